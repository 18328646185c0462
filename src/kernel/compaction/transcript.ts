import type { AssistantPart, ContentPart, Message } from "../../core/history/messages.ts"
import type { Json, JsonObject } from "../../core/json/json.ts"
import type { ToolResult, ToolResultMarks } from "../../core/ports/tools/tool.ts"
import { toDataLine } from "../../core/text/data-block.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"
import { formatErrorCode } from "../../core/tools/tool-result.ts"

/** Number of characters to write in one turn of the event loop (rule 15, durability and responsiveness). */
const sliceCharacters = 256 * 1024
/** Maximum characters of a name or a warning. */
const maxFact = 300
/** Characters of the line for messages that are left out. */
const gapCharacters = 50

export interface TranscriptBounds {
  /** Maximum characters of one line. */
  readonly maxLine: number
  /** Maximum characters of all lines. */
  readonly maxCharacters: number
}

/**
 * Writes messages as lines of JSON that any model can read: without images, and without data that only one provider
 * understands. Each line names who wrote it, and no text in it can look like another line. Lines in the middle are left
 * out if there are too many.
 */
export async function writeTranscript(
  messages: readonly Message[],
  { maxLine, maxCharacters }: TranscriptBounds,
): Promise<readonly string[]> {
  const lines: string[] = []
  let written = 0
  for (const part of messages.flatMap(listParts)) {
    const line = writeLine(part, maxLine)
    lines.push(line)
    written += line.length
    if (written < sliceCharacters) continue
    written = 0
    await waitForNextSlice()
  }
  return leaveOutMiddle(lines, maxCharacters)
}

/** Returns the text, or its beginning and its end with a note in between. */
export function shorten(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text
  const head = Math.floor(maxCharacters * 0.7)
  const tail = maxCharacters - head
  const left = text.length - head - tail
  return `${text.slice(0, head)}\n[… ${left} characters are left out …]\n${text.slice(-tail)}`.toWellFormed()
}

/** Part of a message: facts of the gateway, and the one value that may be long. */
interface TranscriptPart {
  readonly facts: JsonObject
  readonly field: "text" | "input" | "result" | "error"
  readonly value: Json
}

/** Writes a part, with a shortened value if the line would be too long. A short text may have a long JSON. */
function writeLine({ facts, field, value }: TranscriptPart, maxLine: number): string {
  let line = toDataLine({ ...facts, [field]: value })
  const text = typeof value === "string" ? value : JSON.stringify(value)
  for (let room = maxLine; line.length > maxLine && room > 0; room = Math.floor(room / 2)) {
    line = toDataLine({ ...facts, [field]: shorten(text, room) })
  }
  return line
}

/** Returns the first and the last lines, with a line in between that counts those that are left out. */
function leaveOutMiddle(lines: readonly string[], maxCharacters: number): readonly string[] {
  if (countFitting(lines, maxCharacters) === lines.length) return lines
  const head = countFitting(lines, maxCharacters * 0.7 - gapCharacters)
  const rest = lines.slice(head).toReversed()
  const tail = countFitting(rest, maxCharacters * 0.3)
  const gap = toDataLine({ left_out: rest.length - tail })
  return [...lines.slice(0, head), gap, ...rest.slice(0, tail).toReversed()]
}

/** Returns the number of first lines that have at most these characters together. */
function countFitting(lines: readonly string[], maxCharacters: number): number {
  let characters = 0
  for (const [index, line] of lines.entries()) {
    characters += line.length + 1
    if (characters > maxCharacters) return index
  }
  return lines.length
}

function listParts(message: Message): readonly TranscriptPart[] {
  switch (message.role) {
    case "user":
      return [{ facts: { from: "user" }, field: "text", value: formatContent(message.content) }]
    case "system":
      return [{ facts: { from: "application" }, field: "text", value: formatContent(message.content) }]
    case "assistant":
      return message.content.flatMap(listAssistantParts)
    case "tool":
      return message.results.map(({ toolCallId, result }) => describeResult(toolCallId, result))
    default:
      return message satisfies never
  }
}

function listAssistantParts(part: AssistantPart): readonly TranscriptPart[] {
  const from = "assistant"
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [{ facts: { from }, field: "text", value: part.text }]
    case "toolCall": {
      const { toolCallId: call, name, input } = part
      return [{ facts: { from, call, tool: shorten(name, maxFact) }, field: "input", value: input }]
    }
    case "thinking":
    case "opaque":
      return []
    default:
      return part satisfies never
  }
}

function describeResult(call: string, result: ToolResult): TranscriptPart {
  const facts = { from: "tool", call }
  switch (result.type) {
    case "json":
      return { facts: { ...facts, ...selectMarks(result) }, field: "result", value: result.value }
    case "content":
      return {
        facts: { ...facts, ...selectMarks(result) },
        field: "result",
        value: formatContent(result.content),
      }
    case "error":
      return { facts: { ...facts, code: formatErrorCode(result) }, field: "error", value: result.message }
    default:
      return result satisfies never
  }
}

function selectMarks({ isError, warning }: ToolResultMarks): JsonObject {
  return {
    ...(isError === true && { is_error: true }),
    ...(warning !== undefined && { warning: shorten(warning, maxFact) }),
  }
}

function formatContent(parts: readonly ContentPart[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "[an image]")).join("\n")
}
