import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { createLargeBodyOptions } from "./large-body.ts"

/** Returns the options of the SDKs' requests: the body, if it is large, and the trace of the call. */
export async function createRequestOptions({ traceparent }: ModelRequest, body: object, signal: AbortSignal) {
  const { headers, ...large } = await createLargeBodyOptions(body, signal)
  return { ...large, headers: { ...headers, ...(traceparent !== undefined && { traceparent }) } }
}
