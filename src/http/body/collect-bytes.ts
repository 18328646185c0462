import { waitForNextSlice } from "../../core/time/next-slice.ts"

/** Size of the first buffer if the length of the body is not known. */
const firstBytes = 16 * 1024
/** Maximum size of the first buffer. Most bodies that are refused because of their content are refused within it. */
const firstKnownBytes = 256 * 1024
/** After a piece of this size, the next one waits for another turn of the event loop. */
const sliceBytes = 32 * 1024

/**
 * Joins the pieces of a body. Copies each piece when it arrives, because a client can send pieces of one byte, and
 * keeping a piece takes more than a hundred bytes. A turn of the event loop handles one large piece, over all bodies.
 *
 * @param length The length of the body, if it is known.
 * @param accept Receives each piece and the number of bytes with it, before it is kept. Throws to refuse the body.
 */
export async function collectBytes(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  length: number | null,
  accept: (piece: Uint8Array, bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  let whole = new Uint8Array(Math.min(length ?? firstBytes, firstKnownBytes))
  let size = 0
  for await (const piece of pieces) {
    const end = size + piece.byteLength
    accept(piece, end)
    if (end > whole.byteLength) whole = enlarge(whole, Math.max(end, length ?? whole.byteLength * 2))
    whole.set(piece, size)
    size = end
    if (piece.byteLength >= sliceBytes) await waitForNextSlice()
  }
  return size === whole.byteLength ? whole : whole.slice(0, size)
}

function enlarge(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size)
  larger.set(bytes)
  return larger
}
