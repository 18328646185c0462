import type { OpenAI } from "openai"
import {
  type AssistantMessage,
  type ContentPart,
  type ImagePart,
  joinTexts,
  type Message,
  type ThinkingPart,
  type ToolCallPart,
  type ToolMessage,
} from "../../../../core/history/messages.ts"
import { isJsonObject, type Json, type JsonObject } from "../../../../core/json/json.ts"
import { mapCallIds } from "../../tool-calls/call-ids.ts"
import type { ReasoningField } from "../options.ts"
import { moveResultsBehindCalls, toImageUrl, toResultContent } from "../tool-results.ts"
import { findGivenCallId, selectOwnData } from "../vendor-tag.ts"
import type { HostTraits } from "./hosts.ts"

type ChatMessage = OpenAI.ChatCompletionMessageParam
type AssistantParam = OpenAI.ChatCompletionAssistantMessageParam
type FunctionCall = OpenAI.ChatCompletionMessageFunctionToolCall

/** A message in its final form, except that the user's content is not rendered yet. */
type Draft = Exclude<ChatMessage, { role: "user" }> | UserDraft

interface UserDraft {
  readonly role: "user"
  readonly parts: readonly ContentPart[]
}

/** The traits of a service that determine the form of an assistant's message. */
interface Dialect {
  readonly callIds: ReadonlyMap<string, string>
  readonly sendReasoning: ReasoningField | false
  readonly vendor: string
}

/**
 * Converts a conversation into a form that every server accepts, including servers that use a chat template: text as
 * strings, consecutive user messages joined, no empty messages, and results right behind their calls. Parts that only
 * another provider understands are left out. System messages are not included; see `collectSystemTexts`.
 *
 * @param vendor The tag of this service's vendor data.
 */
export function toChatMessages(
  messages: readonly Message[],
  { sendReasoning, shortCallIds }: Pick<HostTraits, "sendReasoning" | "shortCallIds">,
  vendor: string,
): ChatMessage[] {
  const callIds = mapCallIds(messages, {
    givenId: (call) => findGivenCallId(call, vendor),
    short: shortCallIds,
  })
  const drafts: Draft[] = []
  for (const draft of moveResultsBehindCalls(messages).flatMap((message) => toDrafts(message))) {
    const last = drafts.at(-1)
    if (last?.role !== "user" || draft.role !== "user") drafts.push(draft)
    else drafts.splice(-1, 1, { role: "user", parts: [...last.parts, ...draft.parts] })
  }
  return drafts.map((draft) => (draft.role === "user" ? toUserMessage(draft) : draft))

  function toDrafts(message: Message): readonly Draft[] {
    switch (message.role) {
      case "system":
        return []
      case "user": {
        const parts = message.content.filter((part) => part.type === "image" || part.text.trim() !== "")
        return parts.length === 0 ? [] : [{ role: "user", parts }]
      }
      case "assistant":
        return toAssistantMessages(message, { callIds, sendReasoning, vendor })
      case "tool":
        return toToolMessages(message, callIds)
      default:
        return message satisfies never
    }
  }
}

/**
 * Returns the conversation's system messages, for the end of the prompt, because many chat templates accept only one
 * system message.
 */
export function collectSystemTexts(messages: readonly Message[]): readonly { readonly text: string }[] {
  return messages.flatMap((message) => (message.role === "system" ? message.content : []))
}

function toUserMessage({ parts }: UserDraft): ChatMessage {
  if (!parts.some((part) => part.type === "image")) return { role: "user", content: joinText(parts) }
  return {
    role: "user",
    content: parts.map((part) =>
      part.type === "text" ? part : { type: "image_url", image_url: { url: toImageUrl(part) } },
    ),
  }
}

function toAssistantMessages(
  { content }: AssistantMessage,
  { callIds, sendReasoning: field, vendor }: Dialect,
): readonly AssistantParam[] {
  const text = joinTexts(content)
  const tool_calls = content
    .filter((part) => part.type === "toolCall")
    .map((call) => toFunctionCall(call, callIds.get(call.toolCallId) ?? call.toolCallId, vendor))
  if (text.trim() === "" && tool_calls.length === 0) return []
  return [
    {
      role: "assistant",
      content: text === "" ? null : text,
      ...(tool_calls.length > 0 && { tool_calls }),
      ...(field && renderReasoning(findOwnThinking(content, vendor), field, tool_calls.length > 0)),
    },
  ]
}

function toFunctionCall(call: ToolCallPart, id: string, vendor: string): FunctionCall {
  const { name, input } = call
  const extra = selectOwnData(call.vendor, vendor)
  return { ...extra, id, type: "function", function: { name, arguments: JSON.stringify(input) } }
}

function findOwnThinking(content: AssistantMessage["content"], vendor: string): readonly ThinkingPart[] {
  return content
    .filter((part) => part.type === "thinking")
    .filter((part) => selectOwnData(part.vendor, vendor) !== undefined)
}

/**
 * Returns the reasoning field. A message with calls has it even if it is empty, because services that need the field
 * need it there.
 */
function renderReasoning(
  thinking: readonly ThinkingPart[],
  field: ReasoningField,
  called: boolean,
): Record<string, Json> {
  if (field === "reasoning_details") {
    const details = thinking.flatMap(({ vendor }) => listOf(vendor?.data.reasoning_details))
    return details.length === 0 ? {} : { reasoning_details: details }
  }
  const text = thinking.map((part) => part.text).join("")
  return text === "" && !called ? {} : { [field]: text }
}

function toToolMessages({ results }: ToolMessage, callIds: ReadonlyMap<string, string>): readonly Draft[] {
  const messages: Draft[] = []
  const pictures: ContentPart[] = []
  for (const { toolCallId, result } of results) {
    const tool_call_id = callIds.get(toolCallId) ?? toolCallId
    const content = toResultContent(result)
    const images = content.filter((part) => part.type === "image")
    messages.push({ role: "tool", tool_call_id, content: formatResult(content, images) })
    if (images.length > 0) pictures.push({ type: "text", text: `From call ${tool_call_id}:` }, ...images)
  }
  // A message with the role `tool` cannot contain images.
  return pictures.length === 0 ? messages : [...messages, { role: "user", parts: pictures }]
}

function formatResult(content: readonly ContentPart[], images: readonly ImagePart[]): string {
  const text = joinText(content)
  return text === "" && images.length > 0 ? "See the next message for what it shows." : text
}

function joinText(parts: readonly ContentPart[]): string {
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
