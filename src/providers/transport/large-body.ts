import { isLargeJson, toJsonPieces } from "../../core/json/json-pieces.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"

/** Request options of the SDKs, which replace the body that the SDK would create. */
export interface BodyOptions {
  readonly body?: ReadableStream<Uint8Array>
  readonly headers?: { readonly "content-type": string; readonly "content-length": string }
}

/**
 * Creates the JSON of a large request in slices, so that the event loop can continue. A long conversation has
 * megabytes, and each call sends all of it. The body stays in pieces, because it takes several milliseconds to copy 16
 * MB. Returns no options for a small request, whose JSON the SDK creates at once.
 */
export async function createLargeBodyOptions(body: object, signal: AbortSignal): Promise<BodyOptions> {
  if (!isLargeJson(body)) return {}
  const pieces: Buffer[] = []
  await waitForNextSlice()
  for (const piece of toJsonPieces(body)) {
    signal.throwIfAborted()
    pieces.push(Buffer.from(piece))
    await waitForNextSlice()
  }
  const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
  return {
    body: ReadableStream.from(pieces),
    headers: { "content-type": "application/json", "content-length": String(length) },
  }
}
