import { request as httpRequest, type IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import type { ImagePart } from "../../core/history/messages.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { readImageFormat } from "../../kernel/tools/images/image-format.ts"
import { onlyPublic } from "../../platform/network/only-public.ts"
import { createKeyedPlaces } from "../limits/places.ts"
import { createInvalidBody, Problem } from "../problem.ts"
import { isBase64 } from "../schemas/parts/base64.ts"
import { isWebAddress } from "./web-address.ts"

/** An image as a client names it. */
export interface GivenImage {
  /** A data URL in base64, or an address of HTTP or HTTPS. */
  readonly url: string
  /** Place of the image in the body, for messages. */
  readonly path: string
}

/**
 * Resolves to the images with their content, in the same order. Downloads those with an address, from public addresses
 * only and within limits, so that a provider never fetches an address that a client chose. Throws a 422 problem for an
 * image that cannot be used.
 */
export type ReadImages = (
  images: readonly GivenImage[],
  request: { readonly owner: Principal; readonly signal: AbortSignal },
) => Promise<readonly ImagePart[]>

export interface ReadImagesOptions {
  /** Maximum bytes that one request downloads. */
  readonly maxBytes: number
  /** If true, images may be at private addresses. For tests. Default false. */
  readonly allowPrivateAddresses?: boolean
}

/** Maximum images of one message. A model receives no more of a conversation. */
const maxImages = 20
/** Maximum milliseconds of all downloads of one request. */
const maxDownloadMs = 15_000
/** Maximum requests of one user, and of all users, that download images at once. */
const downloadsOfOwner = 4
const downloadsTogether = 32

export function createImageReader(options: ReadImagesOptions): ReadImages {
  const busy = { code: "too_many_downloads", message: "Too many images are being downloaded. Retry later." }
  const ofOwner = createKeyedPlaces({ ...busy, max: downloadsOfOwner })
  const together = createKeyedPlaces({ ...busy, max: downloadsTogether })

  async function download(
    images: readonly GivenImage[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<GivenImage, Buffer>> {
    const found = new Map<GivenImage, Buffer>()
    let left = options.maxBytes
    for (const image of images) {
      const data = await fetchImage(image, { ...options, maxBytes: left, signal })
      left -= data.length
      found.set(image, data)
    }
    return found
  }

  return async (images, { owner: { tenant, userId }, signal }) => {
    const extra = images[maxImages]
    if (extra !== undefined)
      throw createRefusal(extra, `A message can have at most ${maxImages} images. Send fewer.`)
    const remote = images.filter(({ url }) => !isDataUrl(url))
    for (const image of remote)
      if (!isWebAddress(image.url))
        throw createRefusal(image, "Expected a data URL, or an address of HTTP or HTTPS.")
    if (remote.length === 0) return images.map((image) => toPart(image, readDataUrl(image)))
    const leave = ofOwner.take(JSON.stringify([tenant, userId]))
    try {
      const leaveAll = together.take("")
      const limit = AbortSignal.any([signal, AbortSignal.timeout(maxDownloadMs)])
      const downloaded = await download(remote, limit).finally(leaveAll)
      return images.map((image) => toPart(image, downloaded.get(image) ?? readDataUrl(image)))
    } finally {
      leave()
    }
  }
}

function isDataUrl(url: string): boolean {
  return /^data:/i.test(url.slice(0, 5))
}

/** Returns the bytes of a data URL (RFC 2397). */
function readDataUrl(image: GivenImage): Buffer {
  const comma = image.url.indexOf(",")
  const data = image.url.slice(comma + 1)
  if (comma === -1 || !/;base64$/i.test(image.url.slice(0, comma)) || !isBase64(data))
    throw createRefusal(image, "Expected a data URL with base64, such as data:image/png;base64,iVBORw0K….")
  return Buffer.from(data, "base64")
}

function toPart(image: GivenImage, data: Buffer): ImagePart {
  const format = readImageFormat(data)
  if (format === null) throw createRefusal(image, "It is not a complete PNG, JPEG, GIF or WebP image.")
  const { mediaType } = format
  return { type: "image", source: { type: "base64", mediaType, data: data.toString("base64") } }
}

/** Sends one GET, follows no redirect, and reads at most `maxBytes`. */
async function fetchImage(
  image: GivenImage,
  { maxBytes, allowPrivateAddresses = false, signal }: ReadImagesOptions & { readonly signal: AbortSignal },
): Promise<Buffer> {
  const { url } = image
  const refuse = () =>
    createRefusal(image, "The address is not public. Send the image as a data URL instead.")
  const guard = allowPrivateAddresses ? {} : onlyPublic(url, refuse)
  const send = /^https:/i.test(url) ? httpsRequest : httpRequest
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = send(url, { ...guard, headers: { accept: "image/*" }, agent: false, signal })
  request.on("response", resolve).on("error", reject).end()
  try {
    const response = await promise
    const { statusCode } = response
    if (statusCode !== 200) throw createRefusal(image, `Its server responded with the status ${statusCode}.`)
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw createRefusal(image, `The images of a message can have at most ${maxBytes} bytes.`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    throw error instanceof Problem ? error : createRefusal(image, "It could not be downloaded in time.")
  } finally {
    request.destroy()
  }
}

function createRefusal({ path }: GivenImage, message: string): Problem {
  return createInvalidBody([{ path, message }], "image_not_usable")
}
