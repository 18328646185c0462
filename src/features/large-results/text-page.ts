import type { ByteSource } from "./byte-source.ts"

export interface TextPage {
  readonly text: string
  /** Byte offsets of the start and the end of the text. Neither is inside a character. */
  readonly start: number
  readonly end: number
}

/** Maximum bytes of a character in UTF-8. */
const longestCharacter = 4

/** Resolves to the whole characters of a part of a text. */
export async function readPage(
  source: ByteSource,
  { start, end, maxBytes }: { readonly start: number; readonly end: number; readonly maxBytes: number },
): Promise<TextPage> {
  const from = Math.min(start, end)
  const bytes = await source.read(from, Math.min(end, from + Math.max(maxBytes, longestCharacter)))
  const first = findFirstCharacter(bytes)
  const last = from + bytes.length < end ? findLastCharacter(bytes) : bytes.length
  const text = Buffer.from(bytes.subarray(first, Math.max(first, last))).toString("utf8")
  return { text, start: from + first, end: from + Math.max(first, last) }
}

/** Returns the index of the first complete character. */
function findFirstCharacter(bytes: Uint8Array): number {
  let first = 0
  while (first < Math.min(bytes.length, longestCharacter - 1) && isContinuation(bytes[first])) first += 1
  return first
}

/** Returns the index after the last complete character. */
function findLastCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(longestCharacter, bytes.length); back++) {
    const byte = bytes[bytes.length - back]
    if (isContinuation(byte)) continue
    return back < computeLength(byte) ? bytes.length - back : bytes.length
  }
  return bytes.length
}

function isContinuation(byte = 0): boolean {
  return (byte & 0xc0) === 0x80
}

function computeLength(byte = 0): number {
  if (byte >= 0xf0) return 4
  if (byte >= 0xe0) return 3
  return byte >= 0xc0 ? 2 : 1
}
