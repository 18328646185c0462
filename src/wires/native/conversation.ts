import type { ContentPart, Message } from "../../core/history/messages.ts"
import type { MessageInput } from "../../core/ports/store/session-log.ts"
import { createInvalidBody } from "../../http/problem.ts"
import type { ChatMessage, ChatRequest, UserContent } from "./schemas/chat.ts"

/** Returns the client's message in the form of the core. Null if the message of a superseded run is repeated. */
export function toMessageInput(
  { messages, message }: ChatRequest,
  { allowSystemMessages }: { readonly allowSystemMessages: boolean },
): MessageInput | null {
  if (message !== undefined) return { type: "message", content: toParts(message) }
  if (messages === undefined) return null
  const system = messages.findIndex(({ role }) => role === "system")
  if (system !== -1 && !allowSystemMessages) {
    throw createInvalidBody(
      [{ path: `messages.${system}.role`, message: "Clients must not send system messages." }],
      "system_message_not_allowed",
    )
  }
  if (messages.at(-1)?.role !== "user") {
    throw createInvalidBody([
      { path: `messages.${messages.length - 1}.role`, message: "The last message must be the user's." },
    ])
  }
  return { type: "conversation", messages: messages.map(toCoreMessage).filter(hasContent) }
}

function toCoreMessage({ role, content }: ChatMessage): Message {
  switch (role) {
    case "user":
      return { role, content: toParts(content) }
    case "assistant":
    case "system": {
      const blocks = typeof content === "string" ? [{ type: "text", text: content } as const] : content
      return { role, content: blocks.filter(({ text }) => text !== "") }
    }
    default:
      return role satisfies never
  }
}

/**
 * Returns true if the message has content. No model accepts an empty message, and a response that was interrupted
 * before its first word is empty.
 */
function hasContent(message: Message): boolean {
  return message.role === "tool" || message.content.length > 0
}

function toParts(content: UserContent): readonly ContentPart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content.map(toPart)
}

function toPart(block: Exclude<UserContent, string>[number]): ContentPart {
  if (block.type === "text") return { type: "text", text: block.text }
  const { source } = block
  if (source.type === "url") return { type: "image", source: { type: "url", url: source.url } }
  return {
    type: "image",
    source: { type: "base64", mediaType: source.media_type, data: source.data },
  }
}
