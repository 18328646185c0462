import { createHash } from "node:crypto"
import { type Content, contentChunkBytes } from "../../core/ports/store/contents.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"

/** Hexadecimal digits of an id: 96 bits of the digest. Models copy short ids more reliably. */
const idDigits = 24

/**
 * Resolves to the content with the text of these pieces. Null if it has more than the maximum bytes. Encodes and
 * hashes one piece in each turn of the event loop (rule 15, durability and responsiveness).
 */
export async function encodeContent(pieces: Iterable<string>, maxBytes: number): Promise<Content | null> {
  const hash = createHash("sha256")
  const chunks: Uint8Array[] = []
  let open = Buffer.alloc(contentChunkBytes)
  let filled = 0
  let bytes = 0
  for (const piece of pieces) {
    const encoded = Buffer.from(piece)
    bytes += encoded.length
    if (bytes > maxBytes) return null
    hash.update(encoded)
    for (let start = 0; start < encoded.length; ) {
      const copied = encoded.copy(open, filled, start)
      start += copied
      filled += copied
      if (filled < contentChunkBytes) continue
      chunks.push(open)
      open = Buffer.alloc(contentChunkBytes)
      filled = 0
    }
    await waitForNextSlice()
  }
  if (filled > 0) chunks.push(open.subarray(0, filled))
  return { id: `result_${hash.digest("hex").slice(0, idDigits)}`, bytes, chunks }
}
