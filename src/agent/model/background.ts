import type { Message } from "../../core/history/messages.ts"
import type { Conversation } from "../conversation.ts"

/**
 * Returns the messages for a model, with data texts before the message that started the run. If that message was
 * compacted, the texts are left out.
 */
export function insertBackground(
  { messages, shownMessages, run }: Conversation,
  background: readonly string[],
): readonly Message[] {
  if (background.length === 0) return shownMessages
  const index = messages.findLastIndex(
    (message) => message.role === "user" && message.content === run?.started.content,
  )
  if (index === -1) return shownMessages
  // The shown messages may start differently, but they end with the same messages.
  const shownIndex = shownMessages.length - messages.length + index
  const texts = background.map((text) => ({ type: "text", text }) as const)
  return shownMessages.map((message, position) =>
    position === shownIndex && message.role === "user"
      ? { ...message, content: [...texts, ...message.content] }
      : message,
  )
}
