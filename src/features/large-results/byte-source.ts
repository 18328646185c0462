import { type Contents, contentChunkBytes } from "../../core/ports/store/contents.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"

/** A text as UTF-8 bytes, of which only a part is in memory at a time. */
export interface ByteSource {
  readonly bytes: number
  /** Resolves to the bytes from `start` to before `end`. `end` is at most `bytes`. */
  read(start: number, end: number): Promise<Uint8Array>
}

/** Resolves to a content of the session. Null if there is none with this id. */
export async function openContent(
  contents: Contents,
  sessionId: string,
  id: string,
): Promise<ByteSource | null> {
  const bytes = await contents.size(sessionId, id)
  if (bytes === null) return null
  return {
    bytes,
    async read(start, end) {
      const parts: Uint8Array[] = []
      for (let at = start; at < end; ) {
        const number = Math.floor(at / contentChunkBytes)
        const chunk = await contents.chunk(sessionId, id, number)
        if (chunk === null) throw new Error(`The content ${id} lacks the chunk ${number}.`)
        const first = number * contentChunkBytes
        parts.push(chunk.subarray(at - first, Math.min(end - first, chunk.length)))
        at = first + chunk.length
      }
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
    },
  }
}

/** Returns a source for a text that is already in memory. */
export function createTextSource(text: string): ByteSource {
  const encoded = Buffer.from(text)
  return { bytes: encoded.length, read: async (start, end) => encoded.subarray(start, end) }
}

/** Yields the bytes after `start` in parts of the size of a chunk, one in each turn of the event loop. */
export async function* readParts(
  source: ByteSource,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly start: number; readonly bytes: Uint8Array }> {
  for (let at = start; at < source.bytes; ) {
    signal.throwIfAborted()
    const end = Math.min(source.bytes, (Math.floor(at / contentChunkBytes) + 1) * contentChunkBytes)
    yield { start: at, bytes: await source.read(at, end) }
    at = end
    await waitForNextSlice()
  }
}
