import { isJsonObject, type JsonObject, nestsTooDeep } from "../../core/json/json.ts"

/** The state update in a model's response, if there is one. */
export type StateUpdate =
  | { readonly type: "none" }
  | { readonly type: "update"; readonly update: JsonObject }
  /** The response has the heading, but no JSON object that can be merged. `problem` is a sentence for people. */
  | { readonly type: "invalid"; readonly problem: string }

export const stateHeading = "## STATE_UPDATE_JSON"

// Two adjacent repetitions of spaces would take quadratic time for a long line.
const headingPattern = /^ {0,3}#{1,6}[ \t]+STATE_UPDATE_JSON[ \t]*(?:#+[ \t]*)?$/
const anyHeadingPattern = /^ {0,3}#{1,6}[ \t]/
const fencePattern = /^ {0,3}(`{3,}|~{3,})/
const jsonFencePattern = /^ {0,3}(?:`{3,}|~{3,})[ \t]*json(?:[ \t]|$)/i

export interface StateUpdateOptions {
  /** If true, a response without the heading has no update. Default false. */
  readonly requiresHeading?: boolean
}

/**
 * Finds the last heading `## STATE_UPDATE_JSON` of the response and parses the last fenced block below it, up to the
 * next heading. Headings inside a fenced block do not count, because they are quoted text. Without the heading, the
 * update is the last fenced block with the language `json` that contains a JSON object, unless `requiresHeading`.
 */
export function extractStateUpdate(
  response: string,
  { requiresHeading = false }: StateUpdateOptions = {},
): StateUpdate {
  const { section, jsonBlocks } = findBlocks(response)
  if (section === null) {
    if (requiresHeading) return { type: "none" }
    for (const block of jsonBlocks.toReversed()) {
      const found = parse(block)
      if (found.type === "update") return found
    }
    return { type: "none" }
  }
  if (section.isOpen) return createInvalid("the fenced block after the heading has no end")
  if (section.block === null) return createInvalid("no fenced block follows the heading")
  return parse(section.block)
}

interface Section {
  /** Text of the last complete fenced block. */
  block: string | null
  /** If true, the response ended inside a fenced block of this section. */
  isOpen: boolean
}

interface Blocks {
  /** Section of the last heading. Null if the response has no heading. */
  readonly section: Section | null
  /** Texts of all complete fenced blocks with the language `json`. */
  readonly jsonBlocks: readonly string[]
}

function findBlocks(response: string): Blocks {
  const jsonBlocks: string[] = []
  let isJson = false
  let last: Section | null = null
  let current: Section | null = null
  let fence: string | null = null
  let block: string[] = []
  for (const line of response.split(/\r\n|\n|\r/)) {
    if (fence !== null) {
      if (!endsFence(line, fence)) {
        block.push(line)
        continue
      }
      fence = null
      if (isJson) jsonBlocks.push(block.join("\n"))
      if (current !== null) {
        current.block = block.join("\n")
        current.isOpen = false
      }
      continue
    }
    const opening = fencePattern.exec(line)?.[1]
    if (opening !== undefined) {
      fence = opening
      isJson = jsonFencePattern.test(line)
      block = []
      if (current !== null) current.isOpen = true
    } else if (headingPattern.test(line)) {
      current = { block: null, isOpen: false }
      last = current
    } else if (anyHeadingPattern.test(line)) current = null
  }
  return { section: last, jsonBlocks }
}

/**
 * Returns true if the line ends the fence: at least as many of the same characters, and nothing after them
 * (CommonMark 0.31, section 4.5).
 */
function endsFence(line: string, fence: string): boolean {
  const [character = ""] = fence
  const text = line.trim()
  return text.length >= fence.length && text === character.repeat(text.length)
}

function parse(text: string): StateUpdate {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return createInvalid(
      `the fenced block is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (!isJsonObject(value)) return createInvalid("the fenced block is not a JSON object")
  if (nestsTooDeep(value)) return createInvalid("the JSON object is nested too deeply")
  return { type: "update", update: value }
}

function createInvalid(problem: string): StateUpdate {
  return { type: "invalid", problem: `The state update was not saved: ${problem}.` }
}
