import { isLargeJson, jsonPieces } from "../../core/json/json-pieces.ts"
import { nextSlice } from "../../core/time/next-slice.ts"

/** Request options of the SDKs, which replace the body that the SDK would create. */
export interface BodyOptions {
  readonly body?: Uint8Array
  readonly headers?: { readonly "content-type": string }
}

/**
 * Creates the JSON of a large request in slices, so that the event loop can continue. A long conversation has
 * megabytes, and each call sends all of it. Returns no options for a small request, whose JSON the SDK creates at
 * once.
 */
export async function largeBodyOptions(body: object, signal: AbortSignal): Promise<BodyOptions> {
  if (!isLargeJson(body)) return {}
  const pieces: Buffer[] = []
  await nextSlice()
  for (const piece of jsonPieces(body)) {
    signal.throwIfAborted()
    pieces.push(Buffer.from(piece))
    await nextSlice()
  }
  return { body: Buffer.concat(pieces), headers: { "content-type": "application/json" } }
}
