import type { Json } from "./json.ts"

/** One piece costs less than a millisecond to make and to hash. */
const pieceCharacters = 128 * 1024

/**
 * Returns the same text for equal values, whatever the order of their keys, as RFC 8785 defines it: no white space, keys in
 * the order of their UTF-16 code units, numbers and strings as ECMAScript writes them. Members that are `undefined` count
 * as absent. A lone surrogate, which RFC 8785 refuses, is written as its `\u` escape, which no other text is written as.
 */
export function canonicalJson(value: Json): string {
  return [...canonicalPieces(value)].join("")
}

/**
 * Yields the same text in pieces. A long string comes in several pieces, so that a caller who pauses between pieces never
 * works for long.
 */
export function* canonicalPieces(value: Json): Generator<string, void> {
  let text = ""
  for (const token of tokens(value)) {
    text += token
    if (text.length < pieceCharacters) continue
    yield text
    text = ""
  }
  yield text
}

function* tokens(value: Json): Generator<string, void> {
  if (typeof value === "string") yield* stringTokens(value)
  else if (Array.isArray(value)) yield* arrayTokens(value)
  else if (typeof value === "object" && value !== null) {
    yield* objectTokens(value as { readonly [key: string]: Json })
  } else yield JSON.stringify(value)
}

function* arrayTokens(values: readonly Json[]): Generator<string, void> {
  let before = "["
  for (const value of values) {
    yield before
    yield* tokens(value)
    before = ","
  }
  yield before === "[" ? "[]" : "]"
}

function* objectTokens(object: { readonly [key: string]: Json }): Generator<string, void> {
  let before = "{"
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member === undefined) continue
    yield before
    yield* stringTokens(key)
    yield ":"
    yield* tokens(member)
    before = ","
  }
  yield before === "{" ? "{}" : "}"
}

function* stringTokens(string: string): Generator<string, void> {
  if (string.length <= pieceCharacters) return yield JSON.stringify(string)
  yield '"'
  for (let start = 0; start < string.length; ) {
    const end = endOfPiece(string, start)
    yield JSON.stringify(string.slice(start, end)).slice(1, -1)
    start = end
  }
  yield '"'
}

/** Both halves of a surrogate pair stay in one piece: alone, each would be escaped. */
function endOfPiece(string: string, start: number): number {
  const end = Math.min(start + pieceCharacters, string.length)
  const splitsPair = isHighSurrogate(string.charCodeAt(end - 1))
  return splitsPair && end < string.length ? end + 1 : end
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
