import { waitForNextSlice } from "../time/next-slice.ts"
import { pieceCharacters } from "./json-pieces.ts"

/**
 * Resolves to the result of `JSON.parse`. Parses a long text in slices, with turns of the event loop between them
 * (rule 15): `JSON.parse` gets each value up to the length of a piece, and only longer strings, arrays and objects are
 * taken apart. The text must be JSON, because not every error in a long text is found.
 */
export async function parseInSlices(text: string): Promise<unknown> {
  if (text.length <= pieceCharacters) return JSON.parse(text)
  const ends = await findLargeValues(text)
  const start = text.search(/\S/)
  return ends.has(start) ? parseLarge({ text, ends }, start) : JSON.parse(text)
}

/** A text, and the end of each of its strings, arrays and objects that is longer than a piece, by its start. */
interface Scanned {
  readonly text: string
  readonly ends: ReadonlyMap<number, number>
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openArray = 0x5b
const closeArray = 0x5d
const openObject = 0x7b
const closeObject = 0x7d
const letterU = 0x75

async function findLargeValues(text: string): Promise<ReadonlyMap<number, number>> {
  const ends = new Map<number, number>()
  const open: number[] = []
  /** Start of the string that the scan is in. */
  let string: number | null = null
  let at = 0
  const close = (start: number | undefined) => {
    if (start !== undefined && at - start > pieceCharacters) ends.set(start, at)
  }
  while (at < text.length) {
    await waitForNextSlice()
    const until = Math.min(text.length, at + pieceCharacters)
    while (at < until) {
      if (string !== null) {
        at = skipCharacters(text, at, until)
        if (at >= until) break
        at += 1
        close(string)
        string = null
        continue
      }
      const character = text.charCodeAt(at++)
      if (character === quote) string = at - 1
      else if (character === openArray || character === openObject) open.push(at - 1)
      else if (character === closeArray || character === closeObject) close(open.pop())
    }
  }
  return ends
}

/**
 * Returns the place of the quote that ends the string around `from`. If it is not before `until`, returns a place at or
 * after `until` that divides no escape.
 */
function skipCharacters(text: string, from: number, until: number): number {
  let at = from
  while (at < until) {
    const character = text.charCodeAt(at)
    if (character === quote) return at
    if (character !== backslash) at += 1
    else at += text.charCodeAt(at + 1) === letterU ? 6 : 2
  }
  return at
}

async function parseLarge(scanned: Scanned, start: number): Promise<unknown> {
  switch (scanned.text.charCodeAt(start)) {
    case quote:
      return parseString(scanned, start)
    case openArray:
      return parseArray(scanned, start)
    default:
      return parseObject(scanned, start)
  }
}

async function parseString({ text, ends }: Scanned, start: number): Promise<string> {
  const end = (ends.get(start) ?? text.length) - 1
  // A part of the text keeps all of it in memory, so the string must be most of it. An image has no escapes.
  if ((end - start) * 2 > text.length && !hasEscape(text, start, end)) return text.slice(start + 1, end)
  const pieces: string[] = []
  for (let at = start + 1; at < end; ) {
    const cut = Math.min(skipCharacters(text, at, at + pieceCharacters), end)
    pieces.push(JSON.parse(`"${text.slice(at, cut)}"`))
    at = cut
    await waitForNextSlice()
  }
  return pieces.join("")
}

function hasEscape(text: string, start: number, end: number): boolean {
  const at = text.indexOf("\\", start)
  return at !== -1 && at < end
}

async function parseArray(scanned: Scanned, start: number): Promise<unknown[]> {
  const items: unknown[] = []
  for (const { text, large } of listChildren(scanned, start)) {
    if (large !== null) items.push(await parseLarge(scanned, large))
    else for (const item of JSON.parse(`[${text}]`)) items.push(item)
    await waitForNextSlice()
  }
  return items
}

async function parseObject(scanned: Scanned, start: number): Promise<object> {
  const members: (readonly [string, unknown])[] = []
  for (const { text, large } of listChildren(scanned, start)) {
    for (const [key, value] of Object.entries(JSON.parse(`{${text}}`))) {
      members.push([key, large === null ? value : await parseLarge(scanned, large)])
    }
    await waitForNextSlice()
  }
  // Unlike an assignment, this makes a member of a key such as `__proto__`.
  return Object.fromEntries(members)
}

/** Some elements or members of a large value. */
interface Children {
  readonly text: string
  /** The start of a large value, in whose place `text` has a 0. It is then the only element or member. */
  readonly large: number | null
}

function* listChildren({ text, ends }: Scanned, start: number): Generator<Children, void> {
  const end = (ends.get(start) ?? text.length) - 1
  const isObject = text.charCodeAt(start) === openObject
  /** Start of the elements or members that were not yielded yet. */
  let from = start + 1
  for (let child = from; child < end; ) {
    const { to, large } = findChild({ text, ends }, { from: child, end, isObject })
    if (large !== null) {
      if (child > from) yield { text: text.slice(from, child - 1), large: null }
      yield { text: `${text.slice(child, large)}0${text.slice(ends.get(large), to)}`, large }
      from = to + 1
    } else if (to - from >= pieceCharacters) {
      yield { text: text.slice(from, to), large: null }
      from = to + 1
    }
    child = to + 1
  }
  if (from < end) yield { text: text.slice(from, end), large: null }
}

/** Finds the comma or the end after an element or member, and the start of its large value. */
function findChild(
  { text, ends }: Scanned,
  { from, end, isObject }: { readonly from: number; readonly end: number; readonly isObject: boolean },
): { readonly to: number; readonly large: number | null } {
  let large: number | null = null
  let isKey = isObject
  let depth = 0
  let at = from
  while (at < end) {
    const character = text.charCodeAt(at)
    if (character === comma && depth === 0) break
    const opens = character === openArray || character === openObject
    if (!opens && character !== quote) {
      if (character === closeArray || character === closeObject) depth -= 1
      at += 1
      continue
    }
    const largeEnd = ends.get(at)
    if (largeEnd !== undefined && !isKey) large = at
    if (opens && largeEnd === undefined) depth += 1
    if (opens) at = largeEnd ?? at + 1
    else at = largeEnd ?? skipCharacters(text, at + 1, end) + 1
    isKey = false
  }
  return { to: at, large }
}
