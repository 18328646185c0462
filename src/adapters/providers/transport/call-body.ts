import { isLargeJson, toJsonPieces } from "../../../core/json/json-pieces.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"

/** The JSON of a call. That of a large one is in pieces, because it takes several milliseconds to copy 16 MB. */
export type CallBody = string | readonly Buffer[]

/**
 * Creates the JSON of a call. Creates that of a large call in slices, so that the event loop can continue. A long
 * conversation has megabytes, and each call sends all of it.
 */
export async function createCallBody(content: object, signal: AbortSignal): Promise<CallBody> {
  if (!isLargeJson(content)) return JSON.stringify(content)
  const pieces: Buffer[] = []
  await waitForNextSlice()
  for (const piece of toJsonPieces(content)) {
    signal.throwIfAborted()
    pieces.push(Buffer.from(piece))
    await waitForNextSlice()
  }
  return pieces
}
