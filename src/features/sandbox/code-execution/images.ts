import type { ImagePart } from "../../../core/history/messages.ts"
import type { Sandbox } from "../../../core/ports/tools/sandbox.ts"
import { type ImageFormat, readImageFormat } from "../../../kernel/tools/images/image-format.ts"
import type { ReportedFile } from "./changed-files.ts"

export interface ReportedImage {
  readonly path: string
  readonly media_type: string
}

/** An image file that the result does not show. */
export interface OmittedImage {
  readonly path: string
  readonly reason: string
}

export interface OmittedImages {
  readonly count: number
  /** The first omitted images, at most 20. */
  readonly images: readonly OmittedImage[]
}

export interface FoundImages {
  readonly images: readonly ReportedImage[]
  readonly omitted: OmittedImages
  readonly parts: readonly ImagePart[]
}

const maxOmitted = 20
/** Maximum number of files that are read in search of images. */
const maxTried = 100
/** Maximum bytes of all images of one result together. The strictest provider accepts 5 MiB of base64. */
export const maxTotalBytes = 3.5 * 1024 * 1024

export interface ImageLimits {
  /** Maximum number of images of one result. */
  readonly maxImages: number
  /** Maximum bytes of one image. */
  readonly maxImageBytes: number
}

/** Maximum pixels of each side that the strictest provider accepts. */
const maxPixels = 8000

/** Returns the images among the files, up to the number for a model, and the names of the others. */
export async function findImages(
  sandbox: Sandbox,
  files: readonly ReportedFile[],
  { maxImages, maxImageBytes }: ImageLimits,
): Promise<FoundImages> {
  const images: ReportedImage[] = []
  const parts: ImagePart[] = []
  const omitted: OmittedImage[] = []
  let bytesLeft = maxTotalBytes
  const candidates = files.filter(({ media_type }) => media_type.startsWith("image/"))
  for (const { path, size, media_type } of candidates.slice(0, maxTried)) {
    const image =
      parts.length === maxImages
        ? `A result shows at most ${maxImages} images.`
        : await readImage(sandbox, { path, mediaType: media_type, size, maxImageBytes, bytesLeft })
    if (typeof image === "string") {
      omitted.push({ path, reason: image })
      continue
    }
    const { mediaType, data } = image
    bytesLeft -= data.length
    images.push({ path, media_type: mediaType })
    parts.push({ type: "image", source: { type: "base64", mediaType, data: data.toString("base64") } })
  }
  const count = candidates.length - images.length
  return { images, parts, omitted: { count, images: omitted.slice(0, maxOmitted) } }
}

interface ReadImage {
  readonly mediaType: ImageFormat["mediaType"]
  readonly data: Buffer
}

interface WantedImage {
  readonly path: string
  /** Media type by the extension of the name. */
  readonly mediaType: string
  readonly size: number
  readonly maxImageBytes: number
  /** Remaining bytes for the images of the result. */
  readonly bytesLeft: number
}

/** Returns the image. If the file cannot be shown, returns the reason as a string. */
async function readImage(
  sandbox: Sandbox,
  { path, mediaType: expected, size, maxImageBytes, bytesLeft }: WantedImage,
): Promise<ReadImage | string> {
  if (expected === "image/svg+xml")
    return "It is an SVG image, which models cannot see. Save it as PNG as well."
  if (size > maxImageBytes) return `It has ${size} bytes; an image may have at most ${maxImageBytes}.`
  const data = size > bytesLeft ? null : await readAll(sandbox, path, bytesLeft)
  if (data === null) {
    return "It cannot be read, or it exceeds the 3.5 MB that the images of one result may have together."
  }
  // The image would stay in the conversation, and an invalid one would fail every later call.
  const format = readImageFormat(data)
  if (format === null) return "It is not a complete PNG, JPEG, GIF or WebP image."
  const { mediaType, width, height } = format
  if (Math.max(width, height) > maxPixels) {
    return `It has ${width} x ${height} pixels; a side may have at most ${maxPixels}.`
  }
  return { mediaType, data }
}

/** Reads the whole file. Null if the file is gone, or larger than before. */
async function readAll(sandbox: Sandbox, path: string, maxBytes: number): Promise<Buffer | null> {
  const file = await sandbox.readFile(path)
  if (file === null) return null
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of file.content) {
    bytes += piece.length
    if (bytes > maxBytes) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
