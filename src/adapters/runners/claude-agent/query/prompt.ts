import { type ContentPart, joinTexts, type Message } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import { formatResult } from "../../tool-result.ts"
import type { SdkUserMessage } from "../sdk.ts"

/** Maximum characters of an earlier conversation for a new session of the SDK. Older text is left out. */
const maxHistoryCharacters = 400_000

export interface PromptInput extends AsyncIterable<SdkUserMessage> {
  push(message: SdkUserMessage): void
  /** Ends the input. Claude Code then ends as well. */
  end(): void
}

/**
 * Creates the input of Claude Code. It stays open, because Claude Code receives decisions about tools through it as
 * well.
 */
export function createPromptInput(): PromptInput {
  const waiting: SdkUserMessage[] = []
  let ended = false
  let changed = Promise.withResolvers<void>()
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  return {
    push(message) {
      waiting.push(message)
      wake()
    },
    end() {
      ended = true
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const message = waiting.shift()
        if (message !== undefined) yield message
        else if (ended) return
        else await changed.promise
      }
    },
  }
}

/**
 * Returns the content that requests the response to the last user message. If `isKnown` is true, the SDK already has
 * the conversation before that message.
 */
export function createPromptContent(messages: readonly Message[], isKnown: boolean): readonly JsonObject[] {
  const asked = messages.findLastIndex(({ role }) => role === "user")
  const message = messages[asked]
  const content = message?.role === "user" ? message.content.map(toBlock) : []
  const earlier = isKnown ? [] : messages.slice(0, Math.max(asked, 0))
  if (earlier.length === 0) return content
  return [{ type: "text", text: formatHistory(earlier) }, ...content]
}

export function createUserMessage(content: readonly JsonObject[], uuid: string): SdkUserMessage {
  return { type: "user", message: { role: "user", content }, parent_tool_use_id: null, uuid }
}

function formatHistory(messages: readonly Message[]): string {
  const text = messages.flatMap(formatLines).join("\n\n")
  const cut = text.length > maxHistoryCharacters ? `[…]${text.slice(-maxHistoryCharacters)}` : text
  return `The conversation so far:\n\n${cut}\n\nThe user's next message follows.`
}

function formatLines(message: Message): readonly string[] {
  switch (message.role) {
    case "user":
    case "system":
      return [`${message.role === "user" ? "User" : "System"}: ${joinTexts(message.content)}`]
    case "assistant":
      return message.content.flatMap((part) => {
        if (part.type === "text") return [`Assistant: ${part.text}`]
        if (part.type === "toolCall") return [`Assistant called ${part.name}: ${JSON.stringify(part.input)}`]
        return []
      })
    case "tool":
      return message.results.map(({ result }) => `Result: ${formatResult(result)}`)
    default:
      return message satisfies never
  }
}

function toBlock(part: ContentPart): JsonObject {
  if (part.type === "text") return { type: "text", text: part.text }
  const { source } = part
  if (source.type === "url") return { type: "image", source: { type: "url", url: source.url } }
  return { type: "image", source: { type: "base64", media_type: source.mediaType, data: source.data } }
}
