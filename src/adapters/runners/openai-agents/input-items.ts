import type { AssistantPart, ContentPart, Message } from "../../../core/history/messages.ts"
import { joinTexts } from "../../../core/history/messages.ts"
import { formatResult } from "../tool-result.ts"

/**
 * Converts the conversation into the SDK's input items. Thinking is left out, because it is useless without its
 * model's signature.
 */
export function toInputItems(messages: readonly Message[]): readonly object[] {
  const names = new Map<string, string>()
  return messages.flatMap((message): readonly object[] => {
    switch (message.role) {
      case "user":
        return [{ role: "user", content: message.content.map(toUserPart) }]
      case "system":
        return [{ role: "system", content: joinTexts(message.content) }]
      case "assistant":
        return message.content.flatMap((part) => toAssistantItems(part, names))
      case "tool":
        return message.results.map(({ toolCallId: callId, result }) => {
          const name = names.get(callId) ?? "tool"
          const output = formatResult(result)
          return { type: "function_call_result", callId, name, status: "completed", output }
        })
      default:
        return message satisfies never
    }
  })
}

function toUserPart(part: ContentPart): object {
  if (part.type === "text") return { type: "input_text", text: part.text }
  const { source } = part
  const image = source.type === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`
  return { type: "input_image", image }
}

function toAssistantItems(part: AssistantPart, names: Map<string, string>): readonly object[] {
  switch (part.type) {
    case "text": {
      const content = [{ type: "output_text", text: part.text }]
      return [{ type: "message", role: "assistant", status: "completed", content }]
    }
    case "toolCall": {
      const { toolCallId: callId, name, input } = part
      names.set(callId, name)
      const call = { callId, name, arguments: JSON.stringify(input), status: "completed" }
      return [{ type: "function_call", ...call }]
    }
    case "thinking":
    case "opaque":
      return []
    default:
      return part satisfies never
  }
}
