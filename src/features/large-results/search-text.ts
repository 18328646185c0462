import { type ByteSource, readParts } from "./byte-source.ts"
import { readPage } from "./text-page.ts"

export interface Match {
  /** Byte offset of the start of the text. */
  readonly offset: number
  /** The match with some text around it. */
  readonly text: string
}

/** Bytes shown before and after the start of a match. */
const before = 80
const after = 160

/** Resolves to the first literal matches after `start`. */
export async function searchText(
  source: ByteSource,
  searched: string,
  { start, limit, signal }: { readonly start: number; readonly limit: number; readonly signal: AbortSignal },
): Promise<readonly Match[]> {
  const needle = Buffer.from(searched)
  const offsets: number[] = []
  let rest = Buffer.alloc(0)
  for await (const part of readParts(source, start, signal)) {
    const window = Buffer.concat([rest, part.bytes])
    const first = part.start - rest.length
    for (let at = window.indexOf(needle); at !== -1; at = window.indexOf(needle, at + needle.length)) {
      offsets.push(first + at)
      if (offsets.length === limit) break
    }
    if (offsets.length === limit) break
    // A matched part of the text must not match again together with the next chunk.
    const searchedTo = (offsets.at(-1) ?? -needle.length) + needle.length
    const keptFrom = Math.max(searchedTo, part.start + part.bytes.length - (needle.length - 1))
    rest = Buffer.from(window.subarray(Math.max(0, keptFrom - first)))
  }
  return Promise.all(
    offsets.map(async (offset) => {
      const from = Math.max(0, offset - before)
      const { text } = await readPage(source, { start: from, end: source.bytes, maxBytes: before + after })
      return { offset, text }
    }),
  )
}
