import type { ContentPart, ImagePart, Message } from "./messages.ts"

/** The code under which a retry without images is logged and shown to subscribers. */
export const imageRefused = "image_refused"

/** Returns the images of a conversation, oldest first. */
export function listImages(messages: readonly Message[]): readonly ImagePart[] {
  return messages.flatMap(listContent).filter((part) => part.type === "image")
}

/**
 * Returns the conversation with each image replaced by the result of `replace`. Messages without images remain the
 * same objects.
 */
export function replaceImages(
  messages: readonly Message[],
  replace: (image: ImagePart) => ContentPart,
): readonly Message[] {
  const replacePart = (part: ContentPart) => (part.type === "image" ? replace(part) : part)
  return messages.map((message) => {
    if (!listContent(message).some((part) => part.type === "image")) return message
    if (message.role === "user") return { ...message, content: message.content.map(replacePart) }
    if (message.role !== "tool") return message
    return {
      ...message,
      results: message.results.map(({ toolCallId, result }) => ({
        toolCallId,
        result: result.type === "content" ? { ...result, content: result.content.map(replacePart) } : result,
      })),
    }
  })
}

/**
 * Returns the content of a message that can have images. Tool data that calls itself an image is excluded, because it
 * is sent as text.
 */
function listContent(message: Message): readonly ContentPart[] {
  if (message.role === "user") return message.content
  if (message.role !== "tool") return []
  return message.results.flatMap(({ result }) => (result.type === "content" ? result.content : []))
}
