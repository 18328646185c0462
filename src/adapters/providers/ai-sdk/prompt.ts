import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider"
import {
  type AssistantPart,
  type ContentPart,
  type ImagePart,
  joinTexts,
  type Message,
  type ToolCallPart,
} from "../../../core/history/messages.ts"
import type { ModelRequest, SystemBlock } from "../../../core/ports/model/provider.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { formatErrorCode } from "../../../core/tools/tool-result.ts"
import { moveResultsBehindCalls } from "../openai/tool-results.ts"
import { mapCallIds } from "../tool-calls/call-ids.ts"
import { toModelContent as contentOf } from "../tool-calls/result-content.ts"
import { readKept } from "./vendor-data.ts"

type Of<Role> = Extract<LanguageModelV4Message, { role: Role }>
type AssistantContent = Of<"assistant">["content"][number]
type ResultOutput = LanguageModelV4ToolResultPart["output"]

/**
 * Converts a request's conversation for the AI SDK: no blank text, no empty message, and each call's results right
 * behind the call. Parts from this provider are sent back unchanged and in their place. Parts that only another
 * provider understands are left out.
 *
 * @param provider The provider's name, under which its parts keep vendor data.
 */
export function toPrompt(
  { system, messages, cachedMessages = 0 }: Pick<ModelRequest, "system" | "messages" | "cachedMessages">,
  provider: string,
): LanguageModelV4Prompt {
  const ids = mapCallIds(messages, { givenId: ({ vendor }) => readKept(provider, vendor)?.id || null })
  const names = new Map(messages.flatMap(listCalls).map(({ toolCallId, name }) => [toolCallId, name]))
  return [
    ...toSystemMessages([...system, ...messages.flatMap(toSystemBlocks)], provider),
    ...moveResultsBehindCalls(messages).flatMap((message) => {
      const converted = toMessages(message, { provider, ids, names })
      return message === messages[cachedMessages - 1] ? converted.map(markForCache) : converted
    }),
  ]
}

/** Marks the end of a cached prefix. A response of the model has no mark, because thinking accepts none. */
function markForCache(message: LanguageModelV4Message): LanguageModelV4Message {
  return message.role === "assistant" ? message : { ...message, providerOptions: cachedHere }
}

/** For providers that cache only marked parts. The others ignore options under another name. */
const cachedHere: SharedV4ProviderOptions = {
  anthropic: { cacheControl: { type: "ephemeral" } },
  bedrock: { cachePoint: { type: "default" } },
}

/** Matches the names of providers that cache only marked parts. */
const cachesMarkedParts = /anthropic|bedrock/

/**
 * Returns one message, because many providers accept only one. Returns two for a provider that caches marked parts, if
 * only the first blocks should be cached.
 */
function toSystemMessages(blocks: readonly SystemBlock[], provider: string): readonly Of<"system">[] {
  const filled = blocks.filter(({ text }) => !isBlank(text))
  const lastCached = filled.findLastIndex(({ cache }) => cache) + 1
  const end = lastCached === filled.length || cachesMarkedParts.test(provider) ? lastCached : 0
  const joinBlocks = (some: readonly SystemBlock[]) => some.map(({ text }) => text).join("\n\n")
  const [cached, rest] = [joinBlocks(filled.slice(0, end)), joinBlocks(filled.slice(end))]
  return [
    ...(cached === "" ? [] : [{ role: "system", content: cached, providerOptions: cachedHere } as const]),
    ...(rest === "" ? [] : [{ role: "system", content: rest } as const]),
  ]
}

/** Returns a system block. Only some providers accept system messages inside a conversation. */
function toSystemBlocks(message: Message): readonly SystemBlock[] {
  return message.role === "system" ? [{ text: joinTexts(message.content) }] : []
}

function listCalls(message: Message): readonly ToolCallPart[] {
  return message.role === "assistant" ? message.content.filter((part) => part.type === "toolCall") : []
}

/** Context for rendering the parts of a conversation. The keys of both maps are the gateway's ids of the calls. */
interface Rendering {
  readonly provider: string
  /** Ids that the provider receives. */
  readonly ids: ReadonlyMap<string, string>
  readonly names: ReadonlyMap<string, string>
}

function toMessages(message: Message, rendering: Rendering): readonly LanguageModelV4Message[] {
  const { ids, names } = rendering
  switch (message.role) {
    case "system":
      return []
    case "user":
      return dropIfEmpty({ role: "user", content: message.content.flatMap(toContentParts) })
    case "assistant":
      return dropIfEmpty({
        role: "assistant",
        content: message.content.flatMap((part) => toAssistantParts(part, rendering)),
      })
    case "tool":
      return dropIfEmpty({
        role: "tool",
        content: message.results.map(({ toolCallId, result }) => ({
          type: "tool-result",
          toolCallId: ids.get(toolCallId) ?? toolCallId,
          toolName: names.get(toolCallId) ?? "unknown",
          output: toOutput(result),
        })),
      })
    default:
      return message satisfies never
  }
}

function dropIfEmpty(
  message: Exclude<LanguageModelV4Message, { role: "system" }>,
): readonly LanguageModelV4Message[] {
  return message.content.length === 0 ? [] : [message]
}

function toAssistantParts(part: AssistantPart, { provider, ids }: Rendering): readonly AssistantContent[] {
  const own = readKept(provider, part.vendor)
  const options = own?.metadata && { providerOptions: own.metadata }
  switch (part.type) {
    case "text":
      return isBlank(part.text) && !options ? [] : [{ type: "text", text: part.text, ...options }]
    case "thinking":
      return own === null ? [] : [{ type: "reasoning", text: part.text, ...options }]
    case "toolCall": {
      const toolCallId = ids.get(part.toolCallId) ?? part.toolCallId
      return [{ type: "tool-call", toolCallId, toolName: part.name, input: part.input, ...options }]
    }
    case "opaque":
      return own?.part === undefined ? [] : [revivePart(own.part as AssistantContent)]
    default:
      return part satisfies never
  }
}

/** Converts a stored part. A stored URL is text. */
function revivePart(part: AssistantContent): AssistantContent {
  if (part.type !== "file" && part.type !== "reasoning-file") return part
  return part.data.type === "url" ? { ...part, data: { ...part.data, url: new URL(part.data.url) } } : part
}

function toOutput(result: ToolResult): ResultOutput {
  switch (result.type) {
    case "json": {
      const { value, isError, warning } = result
      if (typeof value !== "string" && warning === undefined) {
        return { type: isError === true ? "error-json" : "json", value }
      }
      const text = joinTexts(contentOf(result, { hasErrorMark: true }))
      return { type: isError === true ? "error-text" : "text", value: text }
    }
    case "content":
      return { type: "content", value: contentOf(result, { hasErrorMark: false }).flatMap(toContentParts) }
    case "error":
      return { type: "error-text", value: `${formatErrorCode(result)}: ${result.message}` }
    default:
      return result satisfies never
  }
}

function toContentParts(part: ContentPart): readonly (LanguageModelV4TextPart | LanguageModelV4FilePart)[] {
  if (part.type === "image") return [toImagePart(part)]
  return isBlank(part.text) ? [] : [{ type: "text", text: part.text }]
}

function toImagePart({ source }: ImagePart): LanguageModelV4FilePart {
  if (source.type === "base64")
    return { type: "file", mediaType: source.mediaType, data: { type: "data", data: source.data } }
  return { type: "file", mediaType: "image/*", data: { type: "url", url: new URL(source.url) } }
}

function isBlank(text: string): boolean {
  return text.trim() === ""
}
