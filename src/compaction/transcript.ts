import type { AssistantPart, ContentPart, Message } from "../core/history/messages.ts"
import type { ToolResult, ToolResultMarks } from "../core/ports/tools/tool.ts"
import { waitForNextSlice } from "../core/time/next-slice.ts"
import { formatErrorCode } from "../core/tools/tool-result.ts"

/** Number of characters to write in one turn of the event loop (rule 15, durability and responsiveness). */
const sliceCharacters = 256 * 1024

/**
 * Writes messages as a text that any model can read: without images, and without data that only one provider
 * understands. A part of a message has at most `maxPart` characters, and all of them together `maxCharacters`.
 */
export async function writeTranscript(
  messages: readonly Message[],
  { maxPart, maxCharacters }: { readonly maxPart: number; readonly maxCharacters: number },
): Promise<string> {
  const texts: string[] = []
  let written = 0
  for (const message of messages) {
    const text = formatParts(message)
      .map((part) => shorten(part, maxPart))
      .join("\n")
    texts.push(text)
    written += text.length
    if (written < sliceCharacters) continue
    written = 0
    await waitForNextSlice()
  }
  return shorten(texts.join("\n\n"), maxCharacters)
}

/** Returns the text, or its beginning and its end with a note in between. */
export function shorten(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text
  const head = Math.floor(maxCharacters * 0.7)
  const tail = maxCharacters - head
  const left = text.length - head - tail
  return `${text.slice(0, head)}\n[… ${left} characters are left out …]\n${text.slice(-tail)}`.toWellFormed()
}

function formatParts(message: Message): readonly string[] {
  switch (message.role) {
    case "user":
      return [`User: ${formatContent(message.content)}`]
    case "system":
      return [`Note of the application: ${formatContent(message.content)}`]
    case "assistant":
      return message.content.flatMap(formatAssistantPart)
    case "tool":
      return message.results.map(
        ({ toolCallId, result }) => `Result of the call ${toolCallId}: ${formatResult(result)}`,
      )
    default:
      return message satisfies never
  }
}

function formatAssistantPart(part: AssistantPart): string[] {
  switch (part.type) {
    case "text":
      return part.text.trim() === "" ? [] : [`Assistant: ${part.text}`]
    case "toolCall":
      return [`Assistant calls the tool ${part.name}, call ${part.toolCallId}: ${JSON.stringify(part.input)}`]
    case "thinking":
    case "opaque":
      return []
    default:
      return part satisfies never
  }
}

function formatResult(result: ToolResult): string {
  switch (result.type) {
    case "json":
      return `${formatMarks(result)}${JSON.stringify(result.value)}`
    case "content":
      return `${formatMarks(result)}${formatContent(result.content)}`
    case "error":
      return `error ${formatErrorCode(result)}: ${result.message}`
    default:
      return result satisfies never
  }
}

function formatMarks({ isError, warning }: ToolResultMarks): string {
  return `${isError === true ? "error: " : ""}${warning === undefined ? "" : `(warning: ${warning}) `}`
}

function formatContent(parts: readonly ContentPart[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "[an image]")).join("\n")
}
