import type { Message } from "../../../core/history/messages.ts"
import { type DataBlock, writeDataBlock } from "../../../core/text/data-block.ts"
import type { Conversation } from "../conversation.ts"

/**
 * Returns the messages for a model, with data before the message that started the run. If that message was compacted,
 * the data is left out.
 */
export function insertBackground(
  { messages, shownMessages, run }: Conversation,
  background: readonly DataBlock[],
): readonly Message[] {
  if (background.length === 0) return shownMessages
  const index = messages.findLastIndex(
    (message) => message.role === "user" && message.content === run?.started.content,
  )
  if (index === -1) return shownMessages
  // The shown messages may start differently, but they end with the same messages.
  const shownIndex = shownMessages.length - messages.length + index
  const texts = background.map((block) => ({ type: "text", text: writeDataBlock(block) }) as const)
  return shownMessages.map((message, position) =>
    position === shownIndex && message.role === "user"
      ? { ...message, content: [...texts, ...message.content] }
      : message,
  )
}
