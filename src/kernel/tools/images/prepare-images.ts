import { createHash } from "node:crypto"
import { listImages, replaceImages } from "../../../core/history/images.ts"
import type { ContentPart, ImagePart, Message } from "../../../core/history/messages.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import { createRecentMap } from "../../../core/recent-cache.ts"
import type { Examined } from "./examine.ts"
import type { ExamineOptions, ImageExaminer } from "./image-examiner.ts"
import { longestData } from "./limits.ts"

/** Returns the conversation in a form that a provider accepts. Rejects only with the reason of the signal. */
export type PrepareImages = (
  messages: readonly Message[],
  options: ExamineOptions,
) => Promise<readonly Message[]>

/** Maximum number of images of one request. With more, a provider only allows smaller sides. */
const mostImages = 20
/**
 * Number of images that become text together, so that the prompt's beginning is unchanged for some turns and can be
 * cached.
 */
const droppedAtOnce = 10
/** Maximum base64 characters of all images of one request. The strictest provider accepts 32 MB in total. */
const mostData = 20 * 1024 * 1024
/** Maximum number of valid images to remember by their digest, for sessions that are loaded again. */
const rememberedImages = 2_000

/**
 * Prepares a conversation's images for a request. An invalid image would fail this request and all later ones. Old
 * images beyond the limits of a request become text. Each other image is examined once. The conversation itself is not
 * changed.
 */
export function createImagePreparation(examiner: ImageExaminer, logger: Logger): PrepareImages {
  const parts = new WeakMap<ImagePart, Promise<ContentPart>>()
  const preparedImages = createRecentMap<string>(rememberedImages)

  function prepareImage(image: ImagePart, options: ExamineOptions): Promise<ContentPart> {
    const known = parts.get(image)
    if (known !== undefined) return known
    const preparing = prepare(image, options)
    parts.set(image, preparing)
    // A canceled run has not examined the image for others.
    preparing.catch(() => parts.delete(image))
    return preparing
  }

  async function prepare(image: ImagePart, options: ExamineOptions): Promise<ContentPart> {
    const { source } = image
    if (source.type === "url") return image
    if (source.data.length > 2 * longestData) return createLeftOutNote("it is too large")
    const digest = createHash("sha256").update(source.data).digest("base64")
    const mediaType = preparedImages.get(digest)
    if (mediaType !== undefined)
      return mediaType === source.mediaType ? image : relabelImage(source.data, mediaType)
    const examined = await examiner.examine(source.data, options)
    if (examined === null) {
      logger.error(
        {},
        "Images cannot be decoded, so they are sent unchecked. Install the package sharp again: npm install sharp.",
      )
      return image
    }
    if (examined.type === "fits") preparedImages.set(digest, examined.mediaType)
    if (examined.type === "unusable") {
      const { reason } = examined
      logger.warn({ mediaType: source.mediaType, reason }, "An image is not sent to the model.")
    }
    return createPart(image, source.data, examined)
  }

  return async (messages, options) => {
    const images = listImages(messages)
    if (images.length === 0) return messages
    const shown = images.slice(findFirstShown(images))
    const replacements = new Map<ImagePart, ContentPart>()
    for (const image of shown) replacements.set(image, await prepareImage(image, options))
    return replaceImages(messages, (image) => replacements.get(image) ?? tooOld)
  }
}

/** Returns the index of the oldest image that is shown. */
function findFirstShown(images: readonly ImagePart[]): number {
  const excess = Math.max(0, images.length - mostImages)
  let first = Math.ceil(excess / droppedAtOnce) * droppedAtOnce
  let data = 0
  for (let index = images.length - 1; index >= first; index--) {
    data += computeSize(images[index])
    if (data > mostData) first = index + 1
  }
  return first
}

function computeSize(image: ImagePart | undefined): number {
  return image?.source.type === "base64" ? image.source.data.length : 0
}

function createPart(image: ImagePart, data: string, examined: Examined): ContentPart {
  switch (examined.type) {
    case "fits":
      return image.source.type === "base64" && image.source.mediaType === examined.mediaType
        ? image
        : relabelImage(data, examined.mediaType)
    case "converted":
      return relabelImage(examined.data, examined.mediaType)
    case "unusable":
      return createLeftOutNote(examined.reason)
    default:
      return examined satisfies never
  }
}

function relabelImage(data: string, mediaType: string): ImagePart {
  return { type: "image", source: { type: "base64", mediaType, data } }
}

function createLeftOutNote(reason: string): ContentPart {
  return { type: "text", text: `[An image was left out here, because ${reason}.]` }
}

const tooOld: ContentPart = {
  type: "text",
  text: "[An older image was left out here, because the conversation has too many. Ask for it again if you need it.]",
}
