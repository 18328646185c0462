import type { Anthropic } from "@anthropic-ai/sdk"
import type {
  AssistantPart,
  ContentPart,
  Message,
  ToolCallPart,
  VendorData,
} from "../../../core/history/messages.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { formatErrorCode } from "../../../core/tools/tool-result.ts"
import { mapCallIds } from "../tool-calls/call-ids.ts"
import { callName } from "../tool-calls/call-name.ts"
import { toModelContent as contentOf } from "../tool-calls/result-content.ts"

type Block = Anthropic.ContentBlockParam

/**
 * Starts a conversation whose first message is the assistant's, because the API requires the first turn to be the
 * user's.
 */
const opening: Block = { type: "text", text: "(The assistant speaks first.)" }

/**
 * Converts messages for the API: user and assistant alternate, starting with the user, tool results come first in the
 * turn after their calls, and there is no empty text or turn. Parts from Anthropic are sent back unchanged and in
 * their place. Parts that only another provider understands are left out. System messages are not turns; see
 * `collectSystemMessageTexts`.
 *
 * @param cachedMessages Number of messages, from the first one, that the API should cache.
 */
export function toConversationTurns(
  messages: readonly Message[],
  cachedMessages = 0,
): Anthropic.MessageParam[] {
  const callIds = mapCallIds(messages, { givenId: readCallId, legal: /^[\w-]{1,64}$/ })
  const turns: { readonly role: "user" | "assistant"; content: Block[] }[] = []
  for (const message of messages) {
    if (message.role === "system") continue
    const role = message.role === "assistant" ? "assistant" : "user"
    const content = toBlocks(message, callIds)
    if (content.length === 0) continue
    if (message === messages[cachedMessages - 1]) markForCache(content)
    const last = turns.at(-1)
    // Blocks are added one by one, because a client may send more blocks than a function accepts arguments.
    if (last?.role === role) for (const block of content) last.content.push(block)
    else turns.push({ role, content })
  }
  if (turns[0]?.role === "assistant") turns.unshift({ role: "user", content: [opening] })
  for (const turn of turns) turn.content = moveResultsFirst(turn.content)
  return turns
}

/**
 * Returns the texts of the conversation's system messages, for the end of the system prompt. The API accepts such
 * messages inside a conversation only for newer models and in certain places. Every model accepts them in the prompt.
 */
export function collectSystemMessageTexts(messages: readonly Message[]): readonly Anthropic.TextBlockParam[] {
  return messages.flatMap((message) =>
    message.role === "system" ? message.content.flatMap(toTextBlocks) : [],
  )
}

/** Marks the end of a cached prefix, if the API accepts a mark there. It accepts none on thinking. */
function markForCache(content: Block[]): void {
  const last = content.at(-1)
  if (last?.type === "text" || last?.type === "image" || last?.type === "tool_result")
    content[content.length - 1] = { ...last, cache_control: { type: "ephemeral" } }
}

function toBlocks(
  message: Exclude<Message, { role: "system" }>,
  callIds: ReadonlyMap<string, string>,
): Block[] {
  switch (message.role) {
    case "user":
      return message.content.flatMap(toContentBlocks)
    case "assistant":
      return message.content.flatMap((part) => toAssistantBlocks(part, callIds))
    case "tool":
      return message.results.map(({ toolCallId, result }) => ({
        type: "tool_result",
        tool_use_id: callIds.get(toolCallId) ?? toolCallId,
        ...toResultContent(result),
      }))
    default:
      return message satisfies never
  }
}

function toAssistantBlocks(part: AssistantPart, callIds: ReadonlyMap<string, string>): readonly Block[] {
  const own = selectOwnData(part.vendor)
  switch (part.type) {
    case "text":
      return toTextBlocks(part).map((block) => ({ ...own, ...block }))
    case "thinking":
      // The API refuses thinking without its signature.
      if (typeof own?.signature !== "string") return []
      return [{ ...own, type: "thinking", thinking: part.text, signature: own.signature }]
    case "toolCall": {
      const id = callIds.get(part.toolCallId) ?? part.toolCallId
      return [{ ...own, type: "tool_use", id, name: callName(part.name), input: part.input }]
    }
    case "opaque":
      return own === undefined ? [] : [own as unknown as Block]
    default:
      return part satisfies never
  }
}

function selectOwnData(vendor: VendorData | undefined): VendorData["data"] | undefined {
  return vendor?.provider === "anthropic" ? vendor.data : undefined
}

function readCallId({ vendor }: ToolCallPart): string | null {
  const id = selectOwnData(vendor)?.id
  return typeof id === "string" ? id : null
}

function toResultContent(result: ToolResult): Pick<Anthropic.ToolResultBlockParam, "content" | "is_error"> {
  switch (result.type) {
    case "json":
    case "content": {
      const content = contentOf(result, { hasErrorMark: true }).flatMap(toContentBlocks)
      return { content, ...(result.isError === true && { is_error: true }) }
    }
    case "error":
      return { content: `${formatErrorCode(result)}: ${result.message}`, is_error: true }
    default:
      return result satisfies never
  }
}

function toContentBlocks(
  part: ContentPart,
): readonly (Anthropic.TextBlockParam | Anthropic.ImageBlockParam)[] {
  if (part.type === "text") return toTextBlocks(part)
  const { source } = part
  if (source.type === "url") return [{ type: "image", source }]
  // If the API does not accept the media type, it reports the error.
  const media_type = source.mediaType as Anthropic.Base64ImageSource["media_type"]
  return [{ type: "image", source: { type: "base64", media_type, data: source.data } }]
}

/** Returns a block for the text. Returns none for white space alone, which the API refuses. */
function toTextBlocks({ text }: { readonly text: string }): Anthropic.TextBlockParam[] {
  return text.trim() === "" ? [] : [{ type: "text", text }]
}

function moveResultsFirst(content: readonly Block[]): Block[] {
  const isResult = (block: Block) => block.type === "tool_result"
  return [...content.filter(isResult), ...content.filter((block) => !isResult(block))]
}
