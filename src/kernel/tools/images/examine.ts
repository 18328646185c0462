import { readFile } from "node:fs/promises"
import {
  type IMagickImage,
  initializeImageMagick,
  MagickFormat,
  MagickImage,
  MagickReadSettings,
} from "@imagemagick/magick-wasm"
import { readImageFormat } from "./image-format.ts"
import { longestData, longestSide, mostPixels } from "./limits.ts"

/** `reason` completes the sentence "An image was left out: …". */
export type Examined =
  | { readonly type: "fits"; readonly mediaType: string }
  | { readonly type: "converted"; readonly mediaType: string; readonly data: string }
  | { readonly type: "unusable"; readonly reason: string }

const formats: Readonly<Record<string, MagickFormat>> = {
  "image/png": MagickFormat.Png,
  "image/jpeg": MagickFormat.Jpeg,
  "image/gif": MagickFormat.Gif,
  "image/webp": MagickFormat.WebP,
}

/** Loads the decoder. */
export async function prepareDecoder(): Promise<void> {
  await initializeImageMagick(
    await readFile(new URL(import.meta.resolve("@imagemagick/magick-wasm/magick.wasm"))),
  )
}

/**
 * Decodes an image, whatever its label is, and converts it into a form that every provider accepts. Scales down
 * images with too many pixels or bytes, and converts animations into their first frame.
 */
export function examine(base64: string): Examined {
  const data = Buffer.from(base64, "base64")
  const header = readImageFormat(data)
  if (header === null)
    return { type: "unusable", reason: "it is not a complete PNG, JPEG, GIF or WebP image" }
  const { mediaType, width, height } = header
  if (width * height > mostPixels)
    return { type: "unusable", reason: `its ${width} × ${height} pixels are more than ${mostPixels}` }
  try {
    return decode(data, mediaType, base64.length)
  } catch (error) {
    return { type: "unusable", reason: `it cannot be decoded as ${mediaType}${readCause(error)}` }
  }
}

function decode(data: Buffer, mediaType: string, length: number): Examined {
  const image = MagickImage.create()
  try {
    const damages: string[] = []
    image.onWarning = ({ error }) => void damages.push(error.message)
    const format = formats[mediaType] ?? MagickFormat.Png
    image.read(data, new MagickReadSettings({ format, frameIndex: 0, frameCount: 1 }))
    const broken = damages.find((damage) => /corrupt|premature|truncated|unexpected end/i.test(damage))
    if (broken !== undefined) throw new Error(broken)
    const isLarge = Math.max(image.width, image.height) > longestSide || length > longestData
    if (!isLarge && !mayMove(data, mediaType)) return { type: "fits", mediaType }
    return convertImage(image, mediaType === "image/jpeg" || length > longestData)
  } finally {
    image.dispose()
  }
}

/** Returns true for a possible animation. A GIF always counts as one, because a PNG can show the same picture. */
function mayMove(data: Buffer, mediaType: string): boolean {
  if (mediaType === "image/gif") return true
  return (
    mediaType === "image/webp" && data.toString("latin1", 12, 16) === "VP8X" && ((data[20] ?? 0) & 2) !== 0
  )
}

/** Decreasing sides, tried until the data is short enough. The last one is that of a thumbnail. */
const sides = [longestSide, 2_000, 1_000, 500, 250]
/** Quality of a JPEG. A model would not notice the loss. */
const quality = 85

/**
 * Converts the image.
 *
 * @param isLossy If true, the image becomes a JPEG, unless it is transparent.
 */
function convertImage(image: IMagickImage, isLossy: boolean): Examined {
  image.autoOrient()
  const [format, mediaType] =
    isLossy && !image.hasAlpha
      ? ([MagickFormat.Jpeg, "image/jpeg"] as const)
      : ([MagickFormat.Png, "image/png"] as const)
  if (format === MagickFormat.Jpeg) image.quality = quality
  for (const side of sides) {
    const scale = Math.min(1, side / Math.max(image.width, image.height))
    if (scale < 1)
      image.thumbnail(
        Math.max(1, Math.round(image.width * scale)),
        Math.max(1, Math.round(image.height * scale)),
      )
    const data = image.write(format, (bytes) => Buffer.from(bytes).toString("base64"))
    if (data.length <= longestData) return { type: "converted", mediaType, data }
  }
  return { type: "unusable", reason: "it is too large even at a small size" }
}

/** Returns the decoder's own message, without quoted data. */
function readCause(error: unknown): string {
  const message =
    error instanceof Error
      ? error.message
          .replace(/`.*$/s, "")
          .replaceAll(/[^ -~]/g, "")
          .trim()
      : ""
  return message === "" ? "" : ` (${message.slice(0, 100)})`
}
