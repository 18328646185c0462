import { hash } from "node:crypto"
import type { ContentPart, ImagePart } from "../../core/history/messages.ts"
import type { GivenImage } from "../../http/content/read-images.ts"
import { createInvalidBody } from "../../http/problem.ts"
import { toFieldErrors } from "../../http/request/field-errors.ts"
import { readIdempotencyKey } from "../../http/request/idempotency.ts"
import { type ChatBody, type LastMessage, lastMessageSchema } from "./schemas.ts"

/** Returns the last message of the conversation, the only one that can be new. */
export function readLastMessage({ messages }: ChatBody): LastMessage {
  const last = messages.length - 1
  const { data, error } = lastMessageSchema.safeParse(messages[last])
  if (error === undefined) return data
  throw createInvalidBody(
    toFieldErrors(error).map(({ path, message }) => ({ path: `messages.${last}.${path}`, message })),
  )
}

/** Resolves to the content of a message of the user. Parts of other kinds are ignored. */
export async function readContent(
  { parts }: LastMessage,
  readImages: (images: readonly GivenImage[]) => Promise<readonly ImagePart[]>,
): Promise<readonly ContentPart[]> {
  const read = parts.map(readPart).filter((part) => part !== null)
  const images = await readImages(read.filter((part) => part.type === "image"))
  const rest = images[Symbol.iterator]()
  const content = read
    .map((part) => (part.type === "text" ? part : rest.next().value))
    .filter((part) => part !== undefined)
  if (content.length > 0) return content
  throw createInvalidBody([{ path: "messages", message: "The last message has neither text nor an image." }])
}

type ReadPart = Extract<ContentPart, { type: "text" }> | ({ readonly type: "image" } & GivenImage)

function readPart(
  { type, text, url, mediaType }: LastMessage["parts"][number],
  index: number,
): ReadPart | null {
  if (type === "text") return text === undefined || text === "" ? null : { type, text }
  if (type !== "file") return null
  const path = `parts.${index}`
  if (url !== undefined && mediaType?.startsWith("image/") === true)
    return { type: "image", url, path: `${path}.url` }
  throw createInvalidBody([{ path, message: "Only images can be sent. Send other content as text." }])
}

/**
 * Resolves to the key under which a message is accepted once, however often the client sends it. A client keeps the id
 * of a message that its user has edited, so the key then comes with another content.
 */
export async function readMessageKey({ id, parts }: LastMessage) {
  if (id === undefined || id === "") return null
  const content = parts.map(({ type, text = null, url = null }) => ({ type, text, url }))
  return readIdempotencyKey(`ai-sdk-${hash("sha256", id)}`, content)
}
