import type { MessageInput } from "../ports/store/session-log.ts"
import type { ContentPart } from "./messages.ts"

/** Returns the user's new message: the whole input, or the last message of a whole conversation. */
export function selectNewMessage(input: MessageInput): readonly ContentPart[] {
  if (input.type === "message") return input.content
  const last = input.messages.at(-1)
  if (last?.role !== "user")
    throw new Error("The last message of an accepted conversation is not the user's.")
  return last.content
}
