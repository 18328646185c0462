import type { AssistantMessage, ContentPart, Message } from "../../../core/history/messages.ts"
import { joinTexts } from "../../../core/history/messages.ts"
import { isFailure } from "../../../core/tools/tool-result.ts"
import { listOf, readFields } from "../fields.ts"
import { formatResult } from "../tool-result.ts"

/**
 * Converts the conversation into messages for LangChain. Thinking is left out, because it is useless without its
 * model's signature.
 */
export function toGraphMessages(messages: readonly Message[]): readonly object[] {
  const names = new Map<string, string>()
  return messages.flatMap((message): readonly object[] => {
    switch (message.role) {
      case "user":
        return [{ role: "user", content: message.content.map(toContentBlock) }]
      case "system":
        return [{ role: "system", content: joinTexts(message.content) }]
      case "assistant":
        return [toAssistantMessage(message, names)]
      case "tool":
        return message.results.map(({ toolCallId, result }) => {
          const status = isFailure(result) ? "error" : "success"
          const name = names.get(toolCallId) ?? "tool"
          return { role: "tool", tool_call_id: toolCallId, name, status, content: formatResult(result) }
        })
      default:
        return message satisfies never
    }
  })
}

function toContentBlock(part: ContentPart): object {
  if (part.type === "text") return { type: "text", text: part.text }
  const { source } = part
  const url = source.type === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`
  return { type: "image_url", image_url: { url } }
}

function toAssistantMessage({ content }: AssistantMessage, names: Map<string, string>): object {
  const calls = content.flatMap((part) => {
    if (part.type !== "toolCall") return []
    names.set(part.toolCallId, part.name)
    return [{ type: "tool_call", id: part.toolCallId, name: part.name, args: part.input }]
  })
  return {
    role: "assistant",
    content: joinTexts(content),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
}

/**
 * Returns results for calls that an earlier run left without one, for example because of a cancel. Providers do not
 * accept a conversation with such calls.
 */
export function createMissingResults(messages: unknown): readonly object[] {
  const answered = new Set(listOf(messages).map((message) => readFields(message).tool_call_id))
  const calls = listOf(messages).flatMap((message) => listOf(readFields(message).tool_calls).map(readFields))
  return calls
    .filter(({ id }) => !answered.has(id))
    .map(({ id, name }) => {
      const content = "The call was interrupted: it may or may not have taken effect."
      return { role: "tool", tool_call_id: id, name, status: "error", content }
    })
}
