const firstBytes = 16 * 1024

/**
 * Joins the pieces of a body. Copies each piece when it arrives, because a client can send pieces of one byte, and
 * keeping a piece takes more than a hundred bytes.
 *
 * @param length The length of the body, if it is known.
 * @param accept Receives the number of bytes so far, before they are kept. Throws if there are too many.
 */
export async function collectBytes(
  pieces: AsyncIterable<Uint8Array>,
  length: number | null,
  accept: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  let whole = new Uint8Array(length ?? firstBytes)
  let size = 0
  for await (const piece of pieces) {
    const end = size + piece.byteLength
    accept(end)
    if (end > whole.byteLength) whole = enlarge(whole, end)
    whole.set(piece, size)
    size = end
  }
  return size === whole.byteLength ? whole : whole.slice(0, size)
}

function enlarge(bytes: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(atLeast, bytes.byteLength * 2))
  larger.set(bytes)
  return larger
}
