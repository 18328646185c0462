import { type ByteSource, readParts } from "./byte-source.ts"
import { PointerScanner } from "./pointer-scanner.ts"

/** The place of a value in a JSON text, in bytes. */
export interface ValueRange {
  readonly start: number
  readonly end: number
}

/** Returns the reference tokens of a JSON Pointer (RFC 6901). Null if the text is not a pointer. */
export function parsePointer(pointer: string): readonly string[] | null {
  if (pointer === "") return []
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return null
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
}

/**
 * Resolves to the place of the value that the reference tokens identify. Null if there is none, or if the text is not
 * JSON. Scans the text without parsing it as a whole, so its size does not matter.
 */
export async function findValue(
  source: ByteSource,
  tokens: readonly string[],
  signal: AbortSignal,
): Promise<ValueRange | null> {
  const scanner = new PointerScanner(tokens)
  for await (const { start, bytes } of readParts(source, 0, signal)) {
    if (scanner.push(bytes, start)) break
  }
  return scanner.end(source.bytes)
}
