import type { ContentBlock } from "@modelcontextprotocol/client"
import { isJsonObject, type Json } from "../../../core/json/json.ts"

/**
 * The way in which a result's content repeats its structured content. Servers do this for clients that support only
 * one of the two, but the model should read it only once.
 */
export type Repetition =
  | { readonly type: "none" }
  /** The structured content only wraps the content, which is easier to read. */
  | { readonly type: "wrapped" }
  /** The content is the structured content, or the value that it wraps, written as JSON. */
  | { readonly type: "json"; readonly value: Json }

/** Maximum characters of a text that is parsed as JSON for the comparison. */
const maxTextCharacters = 1024 * 1024

export function classifyRepetition(content: readonly ContentBlock[], structured: Json): Repetition {
  const inner = findOnlyValue(structured)
  const candidates = inner === undefined ? [structured] : [structured, inner]
  for (const value of candidates) {
    if (isTextOf(content, value) || isSameJson(content, value)) return { type: "wrapped" }
  }
  for (const value of candidates) {
    if (isJsonOf(content, value)) return { type: "json", value }
  }
  return { type: "none" }
}

/**
 * Returns the value of an object's only property: `{ "result": … }` of the Python SDK, `{ "content": … }` of the file
 * server.
 */
function findOnlyValue(value: Json): Json | undefined {
  if (!isJsonObject(value)) return undefined
  const values = Object.values(value)
  return values.length === 1 ? values[0] : undefined
}

function isTextOf(content: readonly ContentBlock[], value: Json): boolean {
  const [block] = content
  return content.length === 1 && block?.type === "text" && block.text === value
}

/** Returns true if the content is the JSON of the value, as one text or as one text for each item of a list. */
function isJsonOf(content: readonly ContentBlock[], value: Json): boolean {
  const [block] = content
  if (content.length === 1 && block !== undefined && isSame(block, value)) return true
  if (!Array.isArray(value) || value.length !== content.length) return false
  return content.every((item, index) => isSame(item, value[index]) || isTextOf([item], value[index]))
}

function isSame(block: ContentBlock, value: Json): boolean {
  if (block.type !== "text" || block.text.length > maxTextCharacters) return false
  try {
    return isSameJson(JSON.parse(block.text), value)
  } catch {
    // The text is not JSON.
    return false
  }
}

/** Compares values. Reads no more of the first value than the second one contains. */
function isSameJson(first: unknown, second: Json): boolean {
  if (Array.isArray(second)) {
    if (!Array.isArray(first) || first.length !== second.length) return false
    return second.every((item, index) => isSameJson(first[index], item))
  }
  if (!isJsonObject(second)) return first === second
  if (!isJsonObject(first)) return false
  const keys = Object.keys(second)
  if (Object.keys(first).length !== keys.length) return false
  return keys.every((key) => Object.hasOwn(first, key) && isSameJson(first[key], second[key] ?? null))
}
