import { waitForNextSlice } from "../../core/time/next-slice.ts"

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** A slice takes one to two milliseconds. */
const sliceBytes = 512 * 1024

export interface JsonSize {
  /** Maximum nesting of objects and arrays. */
  readonly maxDepth: number
  /** Maximum number of values and member names, at all levels together. */
  readonly maxValues: number
}

/** The limit that a text exceeds. */
export type JsonExcess = "depth" | "values"

/**
 * Returns the limit that a JSON text exceeds, before the text is parsed. Does not block the event loop. The result
 * for invalid JSON has no meaning, because parsing then fails.
 */
export async function findExcess(text: Uint8Array, size: JsonSize): Promise<JsonExcess | null> {
  const scan = createScan(size)
  for (let start = 0; start < text.length; start += sliceBytes) {
    if (start > 0) await waitForNextSlice()
    const excess = scan(text.subarray(start, start + sliceBytes))
    if (excess !== null) return excess
  }
  return null
}

/**
 * Counts characters outside strings, in any number of pieces. Each comma, colon and opening bracket starts at most
 * one value or member name. An empty array or object is counted twice. No byte of a longer UTF-8 sequence equals one
 * of these characters.
 */
function createScan({ maxDepth, maxValues }: JsonSize): (piece: Uint8Array) => JsonExcess | null {
  let depth = 0
  let values = 1
  let inString = false
  let escaped = false

  return (piece) => {
    for (let index = 0; index < piece.length; index++) {
      const byte = piece[index]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === backslash) escaped = true
        else if (byte === quote) inString = false
        continue
      }
      switch (byte) {
        case quote:
          inString = true
          break
        case openBrace:
        case openBracket:
          if (++depth > maxDepth) return "depth"
          if (++values > maxValues) return "values"
          break
        case closeBrace:
        case closeBracket:
          depth--
          break
        case comma:
        case colon:
          if (++values > maxValues) return "values"
          break
      }
    }
    return null
  }
}
