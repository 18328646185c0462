import type { ImagePart } from "../../../core/history/messages.ts"
import type { MessageInput } from "../../../core/ports/store/session-log.ts"
import type { GivenImage } from "../../../http/content/read-images.ts"
import { Problem } from "../../../http/problem.ts"
import { joinText, toParts } from "../content.ts"
import { ClientHistory } from "../history.ts"
import { readResult } from "../results.ts"
import type { ChatRequest } from "./schemas.ts"

/** Returns the images of a conversation, which are read before it. */
export function listChatImages(messages: ChatRequest["messages"]): readonly GivenImage[] {
  return messages.flatMap(({ role, content }, index) => {
    if (role !== "user" || typeof content === "string") return []
    return content.flatMap((part, place) =>
      part.type === "image_url"
        ? [{ url: part.image_url.url, path: `messages.${index}.content.${place}.image_url.url` }]
        : [],
    )
  })
}

export interface ReadChat {
  readonly instructions: readonly string[]
  readonly input: MessageInput
}

/** Reads a conversation. `images` are those of `listChatImages`, in the same order. */
export function readChat(messages: ChatRequest["messages"], images: readonly ImagePart[]): ReadChat {
  const left = [...images]
  const history = new ClientHistory()
  const instructions: string[] = []
  for (const message of messages) {
    switch (message.role) {
      case "system":
      case "developer":
        instructions.push(joinText(message.content))
        break
      case "user":
        history.addUser(toParts(message.content, left))
        break
      case "assistant":
        history.addText(joinText(message.content ?? ""))
        for (const { id, function: called } of message.tool_calls ?? [])
          history.addCall(id, called.name, called.arguments)
        break
      case "tool":
        history.addResult(message.tool_call_id, readResult(joinText(message.content)))
        break
      default:
        message satisfies never
    }
  }
  const conversation = history.finish()
  const last = conversation.at(-1)
  if (last?.role !== "user" && last?.role !== "tool")
    throw new Problem(
      { code: "no_user_message", status: 400 },
      "The last message must be the user's, or the result of a call of the message before it.",
    )
  const isSingle = conversation.length === 1 && last.role === "user"
  return {
    instructions,
    input: isSingle
      ? { type: "message", content: last.content }
      : { type: "conversation", messages: conversation },
  }
}
