import type { AssistantPart, ContentPart, Message } from "../../../core/history/messages.ts"
import { joinTexts } from "../../../core/history/messages.ts"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { isFailure } from "../../../core/tools/tool-result.ts"
import { formatResult } from "../tool-result.ts"

/** The used part of the AI SDK's `ModelMessage`. Its arrays are not readonly, so these are not either. */
export type AiSdkMessage =
  | { role: "system"; content: string }
  | { role: "user"; content: UserPart[] }
  | { role: "assistant"; content: CallingPart[] }
  | { role: "tool"; content: (ResultPart | AiSdkApprovalPart)[] }

type UserPart = { type: "text"; text: string } | { type: "file"; data: string | URL; mediaType: string }
type CallingPart =
  | { type: "text"; text: string }
  | { type: "tool-call"; toolCallId: string; toolName: string; input: JsonObject }
interface ResultPart {
  type: "tool-result"
  toolCallId: string
  toolName: string
  output:
    | { type: "text"; value: string }
    | { type: "error-text"; value: string }
    | { type: "json"; value: never }
}
export interface AiSdkApprovalPart {
  type: "tool-approval-response"
  approvalId: string
  approved: boolean
  reason?: string
}

/**
 * Converts the conversation into the AI SDK's messages. Thinking is left out, because it is useless without its
 * model's signature.
 */
export function toModelMessages(messages: readonly Message[]): AiSdkMessage[] {
  const names = new Map<string, string>()
  return messages.map((message): AiSdkMessage => {
    switch (message.role) {
      case "user":
        return { role: "user", content: message.content.map(toUserPart) }
      case "system":
        return { role: "system", content: joinTexts(message.content) }
      case "assistant":
        return {
          role: "assistant",
          content: message.content.flatMap((part) => toAssistantParts(part, names)),
        }
      case "tool":
        return {
          role: "tool",
          content: message.results.map(({ toolCallId, result }) => {
            const toolName = names.get(toolCallId) ?? "tool"
            return { type: "tool-result", toolCallId, toolName, output: toOutput(result) }
          }),
        }
      default:
        return message satisfies never
    }
  })
}

function toUserPart(part: ContentPart): UserPart {
  if (part.type === "text") return { type: "text", text: part.text }
  const { source } = part
  if (source.type === "url") return { type: "file", data: new URL(source.url), mediaType: "image" }
  return { type: "file", data: source.data, mediaType: source.mediaType }
}

function toAssistantParts(part: AssistantPart, names: Map<string, string>): CallingPart[] {
  switch (part.type) {
    case "text":
      return [{ type: "text", text: part.text }]
    case "toolCall": {
      const { toolCallId, name: toolName, input } = part
      names.set(toolCallId, toolName)
      return [{ type: "tool-call", toolCallId, toolName, input }]
    }
    case "thinking":
    case "opaque":
      return []
    default:
      return part satisfies never
  }
}

function toOutput(result: ToolResult): ResultPart["output"] {
  if (isFailure(result)) return { type: "error-text", value: formatResult(result) }
  if (result.type !== "json" || typeof result.value === "string" || result.warning !== undefined) {
    return { type: "text", value: formatResult(result) }
  }
  return { type: "json", value: result.value satisfies Json as never }
}
