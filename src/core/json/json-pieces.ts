import { waitForNextSlice } from "../time/next-slice.ts"
import { isLongerAsJson } from "./json.ts"

/**
 * Maximum characters of a piece, without escapes. Making, hashing or encoding it takes less than a millisecond. V8
 * allocates and frees strings over 128 KiB one by one in the kernel, which took a quarter of the CPU time of longer
 * pieces. A piece with two bytes a character is not as large.
 */
export const pieceCharacters = 60 * 1024

/** Number of elements of an array that become text in one call if they are small. */
const batchLength = 32

/** Returns the value that takes the place of a member's or an element's value. Its key is empty if it is not known. */
export type ReplaceValue = (key: string, value: unknown) => unknown

/**
 * Yields the output of `JSON.stringify` in pieces. A long string comes in several pieces, so that a caller who pauses
 * between pieces never blocks for long. The value is plain: its objects have no `toJSON`.
 */
export function* toJsonPieces(value: unknown, replace?: ReplaceValue): Generator<string, void> {
  let text = ""
  for (const token of toTokens(value, replace)) {
    if (text !== "" && text.length + token.length > pieceCharacters) {
      yield text
      text = ""
    }
    text += token
  }
  if (text !== "") yield text
}

/**
 * Resolves to the output of `JSON.stringify`. A large text is made in slices, with turns of the event loop between
 * them (rule 15).
 */
export async function stringifyInSlices(value: unknown): Promise<string> {
  if (!isLargeJson(value)) return JSON.stringify(value)
  const pieces: string[] = []
  await waitForNextSlice()
  for (const piece of toJsonPieces(value)) {
    pieces.push(piece)
    await waitForNextSlice()
  }
  return pieces.join("")
}

/** Returns true if the value has more than one piece. Stops as soon as that is known. */
export function isLargeJson(value: unknown): boolean {
  return isLongerAsJson(value, pieceCharacters)
}

function* toTokens(value: unknown, replace: ReplaceValue | undefined): Generator<string, void> {
  if (!isLargeJson(value)) yield JSON.stringify(value, replace) ?? "null"
  else if (typeof value === "string") yield* splitString(value)
  else if (Array.isArray(value)) yield* toArrayTokens(value, replace)
  else yield* toObjectTokens(value as Readonly<Record<string, unknown>>, replace)
}

function* toArrayTokens(
  values: readonly unknown[],
  replace: ReplaceValue | undefined,
): Generator<string, void> {
  let before = "["
  for (let start = 0; start < values.length; start += batchLength) {
    const batch = values.slice(start, start + batchLength)
    // A call for each of many small elements would take longer than their text.
    if (!isLargeJson(batch)) {
      yield before + JSON.stringify(batch, replace).slice(1, -1)
      before = ","
      continue
    }
    for (const value of batch) {
      yield before
      yield* toTokens(replace === undefined ? value : replace("", value), replace)
      before = ","
    }
  }
  yield "]"
}

function* toObjectTokens(
  object: Readonly<Record<string, unknown>>,
  replace: ReplaceValue | undefined,
): Generator<string, void> {
  let before = "{"
  for (const key of Object.keys(object)) {
    const member = replace === undefined ? object[key] : replace(key, object[key])
    if (member === undefined) continue
    yield `${before}${JSON.stringify(key)}:`
    yield* toTokens(member, replace)
    before = ","
  }
  yield before === "{" ? "{}" : "}"
}

/** Yields the JSON text of a string. */
export function* splitString(string: string): Generator<string, void> {
  if (string.length <= pieceCharacters) return yield JSON.stringify(string)
  yield '"'
  for (let start = 0; start < string.length; ) {
    const end = endOfPiece(string, start)
    yield JSON.stringify(string.slice(start, end)).slice(1, -1)
    start = end
  }
  yield '"'
}

/** Keeps both halves of a surrogate pair in one piece. Apart, each would be escaped. */
function endOfPiece(string: string, start: number): number {
  const end = Math.min(start + pieceCharacters, string.length)
  const splitsPair = isHighSurrogate(string.charCodeAt(end - 1))
  return splitsPair && end < string.length ? end + 1 : end
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
