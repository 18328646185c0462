import type { IncomingMessage } from "node:http"
import { type CallRecord, maxRecordedBytes } from "../../../core/ports/model/call-record.ts"
import type { Endpoint } from "./endpoint.ts"

/** Headers that never contain a credential. */
const requestHeaders =
  /^(accept|content-type|user-agent|anthropic-(version|beta)|openai-beta|traceparent|x-stainless-.+)$/
const responseHeaders =
  /^(content-type|date|retry-after|request-id|x-request-id|openai-(processing-ms|version)|(anthropic|x)-ratelimit-.+)$/

/** Records a request that is sent now. */
export function recordRequest(
  record: CallRecord,
  { address: { protocol, hostname, port, path }, headers }: Endpoint,
  { content, traceparent }: { readonly content: object; readonly traceparent?: string | undefined },
): void {
  const authority = port ? `${hostname}:${port}` : hostname
  const sent = [...headers, ...(traceparent === undefined ? [] : ["traceparent", traceparent])]
  record.request = {
    form: "http",
    url: `${protocol}//${authority}${String(path).split("?", 1)[0]}`,
    headers: selectPairs(sent, requestHeaders),
    body: content,
  }
}

/** Records a response, and the beginning of its body when it arrives. */
export function recordResponse(record: CallRecord, response: IncomingMessage): void {
  const { statusCode: status = 0, rawHeaders } = response
  const chunks: Uint8Array[] = []
  let left = maxRecordedBytes
  const keep = (chunk: Uint8Array) => {
    chunks.push(Buffer.from(chunk.subarray(0, left)))
    left -= chunk.length
    if (left <= 0) response.off("data", keep)
  }
  response.on("data", keep)
  record.response = { status, headers: selectPairs(rawHeaders, responseHeaders), chunks }
}

/** Returns the headers with names that match, from names and values in turns. */
function selectPairs(pairs: readonly string[], names: RegExp): Readonly<Record<string, string>> {
  const selected: Record<string, string> = {}
  for (let index = 0; index < pairs.length; index += 2) {
    const name = pairs[index]?.toLowerCase() ?? ""
    if (names.test(name)) selected[name] = pairs[index + 1] ?? ""
  }
  return selected
}
