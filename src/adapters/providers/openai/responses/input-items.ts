import type { OpenAI } from "openai"
import type {
  AssistantMessage,
  AssistantPart,
  ContentPart,
  Message,
  TextPart,
} from "../../../../core/history/messages.ts"
import { isJsonObject, type JsonObject } from "../../../../core/json/json.ts"
import type { ToolResult } from "../../../../core/ports/tools/tool.ts"
import { mapCallIds } from "../../tool-calls/call-ids.ts"
import { moveResultsBehindCalls, toImageUrl, toResultContent } from "../tool-results.ts"
import { findGivenCallId, selectOwnData } from "../vendor-tag.ts"

type Item = OpenAI.Responses.ResponseInputItem
type InputContent = OpenAI.Responses.ResponseInputText | OpenAI.Responses.ResponseInputImage

/** The traits that determine which items of a conversation the service knows. */
export interface ResponsesService {
  /** The tag of the service's vendor data. */
  readonly vendor: string
  /** If true, the service stored its items, and therefore knows reasoning by its id. */
  readonly stored: boolean
}

/**
 * Converts a conversation into input items (https://platform.openai.com/docs/guides/conversation-state). Items from
 * the service are sent back unchanged and in their place. Parts that only another provider understands are left out.
 * No empty text is sent.
 */
export function toInputItems(messages: readonly Message[], service: ResponsesService): Item[] {
  const callIds = mapCallIds(messages, { givenId: (call) => findGivenCallId(call, service.vendor) })
  return moveResultsBehindCalls(messages).flatMap((message): readonly Item[] => {
    switch (message.role) {
      case "user":
        return toMessageItems("user", message.content)
      case "system":
        return toMessageItems("system", message.content)
      case "assistant":
        return toAssistantItems(message, callIds, service)
      case "tool":
        return message.results.map(({ toolCallId, result }) => ({
          type: "function_call_output",
          call_id: callIds.get(toolCallId) ?? toolCallId,
          output: toOutput(result),
        }))
      default:
        return message satisfies never
    }
  })
}

function toMessageItems(role: "user" | "system", parts: readonly ContentPart[]): readonly Item[] {
  const content = parts.flatMap(toInputContent)
  return content.length === 0 ? [] : [{ type: "message", role, content }]
}

function toInputContent(part: ContentPart): readonly InputContent[] {
  if (part.type === "image") return [{ type: "input_image", image_url: toImageUrl(part), detail: "auto" }]
  return part.text.trim() === "" ? [] : [{ type: "input_text", text: part.text }]
}

/** Returns the output. Text alone is a string, which every compatible server accepts. */
function toOutput(result: ToolResult): string | InputContent[] {
  const content = toResultContent(result)
  if (content.some((part) => part.type === "image")) return content.flatMap(toInputContent)
  return content.map((part) => (part.type === "text" ? part.text : "")).join("\n")
}

/**
 * Returns the items of an assistant message. The service refuses reasoning without a following item, reasoning of
 * which it has neither a copy nor the content, and items whose reasoning is missing.
 */
function toAssistantItems(
  { content }: AssistantMessage,
  callIds: ReadonlyMap<string, string>,
  { vendor: tag, stored }: ResponsesService,
): readonly Item[] {
  const parts = content.slice(0, content.findLastIndex((part) => part.type !== "thinking") + 1)
  const keepIds = parts.every(({ type, vendor }) => {
    const own = selectOwnData(vendor, tag)
    return type !== "thinking" || own === undefined || isReadable(own, stored)
  })
  return parts
    .flatMap((part) => toAssistantItem(part, callIds, { vendor: tag, stored, keepIds }))
    .reduce(joinMessages, [])
}

function toAssistantItem(
  part: AssistantPart,
  callIds: ReadonlyMap<string, string>,
  { vendor, stored, keepIds }: ResponsesService & { readonly keepIds: boolean },
): readonly Item[] {
  const { id, ...rest } = selectOwnData(part.vendor, vendor) ?? {}
  const own = keepIds && id !== undefined ? { ...rest, id } : rest
  switch (part.type) {
    case "text":
      return toTextItems(part, own)
    case "thinking":
      return isReadable(own, stored) ? [{ ...own, id } as unknown as Item] : []
    case "toolCall": {
      const call_id = callIds.get(part.toolCallId) ?? part.toolCallId
      return [
        { ...own, type: "function_call", call_id, name: part.name, arguments: JSON.stringify(part.input) },
      ]
    }
    case "opaque":
      // Such an item needs its id.
      return "type" in own && "id" in own ? [own as unknown as Item] : []
    default:
      return part satisfies never
  }
}

function toTextItems({ text }: TextPart, { content, ...own }: JsonObject): readonly Item[] {
  if (own.id === undefined) {
    const { phase } = own as { phase?: "commentary" | "final_answer" }
    return text.trim() === ""
      ? []
      : [{ type: "message", role: "assistant", content: text, ...(phase && { phase }) }]
  }
  const about = isJsonObject(content) ? content : {}
  const piece = about.type === "refusal" ? { refusal: text } : { type: "output_text", annotations: [], text }
  return [
    { ...own, type: "message", role: "assistant", content: [{ ...piece, ...about }] } as unknown as Item,
  ]
}

/** Joins the items of one message, whose pieces are separate parts here. */
function joinMessages(items: readonly Item[], item: Item): readonly Item[] {
  const last = items.at(-1)
  if (!isOutputMessage(last) || !isOutputMessage(item) || last.id !== item.id) return [...items, item]
  return [...items.slice(0, -1), { ...last, content: [...last.content, ...item.content] }]
}

function isOutputMessage(item: Item | undefined): item is OpenAI.Responses.ResponseOutputMessage {
  return item !== undefined && item.type === "message" && "id" in item && item.role === "assistant"
}

/** Returns true if the service can read the content of an item of reasoning. */
function isReadable({ type, encrypted_content, content }: JsonObject, stored: boolean): boolean {
  if (type !== "reasoning") return false
  return stored || typeof encrypted_content === "string" || (Array.isArray(content) && content.length > 0)
}
