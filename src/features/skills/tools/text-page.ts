export interface TextPage {
  readonly text: string
  /** Bytes from the start. Null at the end. */
  readonly nextOffset: number | null
}

/** Returns at most `maxBytes` bytes of the text's UTF-8 form after an offset, with whole characters only. */
export function createTextPage(content: string | Uint8Array, offset: number, maxBytes: number): TextPage {
  const bytes = typeof content === "string" ? Buffer.from(content) : Buffer.from(content)
  const start = findCharacterStart(bytes, Math.min(offset, bytes.length))
  const end = findCharacterStart(bytes, Math.min(start + maxBytes, bytes.length))
  return { text: bytes.toString("utf8", start, end), nextOffset: end < bytes.length ? end : null }
}

/** Moves back to the first byte of a character. */
function findCharacterStart(bytes: Uint8Array, at: number): number {
  let start = at
  while (start > 0 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1
  return start
}
