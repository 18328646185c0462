const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

export interface JsonSize {
  /** Maximum nesting of objects and arrays. */
  readonly maxDepth: number
  /** Maximum number of values and member names, at all levels together. */
  readonly maxValues: number
}

/** The limit that a text exceeds. */
export type JsonExcess = "depth" | "values"

export interface JsonScan {
  /**
   * Returns the limit that a JSON text exceeds with this piece of it. Receives the pieces in order. The result for
   * invalid JSON has no meaning, because parsing then fails.
   */
  read(piece: Uint8Array): JsonExcess | null
  /** Number of values and member names so far. */
  readonly values: number
}

/**
 * Counts characters outside strings, in any number of pieces. Each comma, colon and opening bracket starts at most
 * one value or member name. An empty array or object is counted twice. No byte of a longer UTF-8 sequence equals one
 * of these characters.
 */
export function createJsonScan({ maxDepth, maxValues }: JsonSize): JsonScan {
  let depth = 0
  let values = 1
  let inString = false
  let escaped = false

  function read(piece: Uint8Array): JsonExcess | null {
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

  return {
    read,
    get values() {
      return values
    },
  }
}
