import type { Message } from "../../core/messages.ts"
import type { Conversation } from "../conversation.ts"

/**
 * Returns the messages as a model is shown them, with texts of data before the message that started the run. A run
 * whose first message was compacted has them no more.
 */
export function withBackground(
  { messages, shownMessages, run }: Conversation,
  background: readonly string[],
): readonly Message[] {
  if (background.length === 0) return shownMessages
  const index = messages.findLastIndex(
    (message) => message.role === "user" && message.content === run?.started.content,
  )
  if (index === -1) return shownMessages
  // The shown messages may start with others, but they end with the same.
  const shownIndex = shownMessages.length - messages.length + index
  const texts = background.map((text) => ({ type: "text", text }) as const)
  return shownMessages.map((message, position) =>
    position === shownIndex && message.role === "user"
      ? { ...message, content: [...texts, ...message.content] }
      : message,
  )
}
