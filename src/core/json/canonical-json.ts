import type { Json } from "./json.ts"
import { pieceCharacters, splitString } from "./json-pieces.ts"

/**
 * Returns the canonical JSON of RFC 8785: equal values have equal texts, whatever the order of their keys. The text
 * has no white space, keys are in the order of their UTF-16 code units, and numbers and strings are written as in
 * ECMAScript. Members that are `undefined` count as absent. A lone surrogate, which RFC 8785 refuses, is written as
 * its `\u` escape, which no other text produces.
 */
export function toCanonicalJson(value: Json): string {
  return [...toCanonicalPieces(value)].join("")
}

/**
 * Yields the same text in pieces. A long string comes in several pieces, so that a caller who pauses between pieces
 * never blocks for long.
 */
export function* toCanonicalPieces(value: Json): Generator<string, void> {
  let text = ""
  for (const token of toTokens(value)) {
    if (text !== "" && text.length + token.length > pieceCharacters) {
      yield text
      text = ""
    }
    text += token
  }
  yield text
}

function* toTokens(value: Json): Generator<string, void> {
  if (typeof value === "string") yield* splitString(value)
  else if (Array.isArray(value)) yield* toArrayTokens(value)
  else if (typeof value === "object" && value !== null) {
    yield* toObjectTokens(value as { readonly [key: string]: Json })
  } else yield JSON.stringify(value)
}

function* toArrayTokens(values: readonly Json[]): Generator<string, void> {
  let before = "["
  for (const value of values) {
    yield before
    yield* toTokens(value)
    before = ","
  }
  yield before === "[" ? "[]" : "]"
}

function* toObjectTokens(object: { readonly [key: string]: Json }): Generator<string, void> {
  let before = "{"
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member === undefined) continue
    yield before
    yield* splitString(key)
    yield ":"
    yield* toTokens(member)
    before = ","
  }
  yield before === "{" ? "{}" : "}"
}
