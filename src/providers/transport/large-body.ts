import { isLargeJson, jsonPieces } from "../../core/json/json-pieces.ts"
import { nextSlice } from "../../core/time/next-slice.ts"

/** Request options of the SDKs, which replace the body that the SDK would make itself. */
export interface BodyOptions {
  readonly body?: Uint8Array
  readonly headers?: { readonly "content-type": string }
}

/**
 * Makes the JSON of a large request in slices, and lets the event loop go on between them: a long conversation has
 * megabytes, and is sent whole with each call. Returns no options for a small request, whose JSON the SDK makes at
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
