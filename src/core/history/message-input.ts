import type { MessageInput } from "../ports/store/session-log.ts"
import type { ContentPart, Message } from "./messages.ts"

/**
 * Returns the user's new message: the whole input, or the last message of a whole conversation. Empty if the
 * conversation ends with results of tools, to which the model responds.
 */
export function selectNewMessage(input: MessageInput): readonly ContentPart[] {
  if (input.type === "message") return input.content
  const last = input.messages.at(-1)
  if (last?.role === "tool") return []
  if (last?.role !== "user")
    throw new Error("The last message of an accepted conversation is neither the user's nor a tool's.")
  return last.content
}

/** Returns the messages before the new one. Null if the client did not send its conversation. */
export function selectFormerMessages(input: MessageInput): readonly Message[] | null {
  if (input.type === "message") return null
  return input.messages.at(-1)?.role === "user" ? input.messages.slice(0, -1) : input.messages
}
