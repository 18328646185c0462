import { readImageFormat, takeFirstFrame } from "./image-format.ts"
import { longestData, longestSide, mostPixels } from "./limits.ts"

/** `reason` completes the sentence "An image was left out: …". */
export type Examined =
  | { readonly type: "fits"; readonly mediaType: string }
  | { readonly type: "converted"; readonly mediaType: string; readonly data: string }
  | { readonly type: "unusable"; readonly reason: string }

/** An image whose header was checked. */
export interface DecodeRequest {
  readonly base64: string
  readonly mediaType: string
  /** If true, it has too many pixels a side or too many bytes for a provider. */
  readonly isLarge: boolean
  /** If true, it may be an animation. */
  readonly mayMove: boolean
}

/** Checks an image's header, whatever its label is. Returns the request that decodes it, or why it is unusable. */
export function examineHeader(base64: string): DecodeRequest | Extract<Examined, { type: "unusable" }> {
  const data = Buffer.from(base64, "base64")
  const format = readImageFormat(data)
  if (format === null)
    return { type: "unusable", reason: "it is not a complete PNG, JPEG, GIF or WebP image" }
  const { mediaType, width, height } = format
  if (width * height > mostPixels)
    return { type: "unusable", reason: `its ${width} × ${height} pixels are more than ${mostPixels}` }
  const isLarge = Math.max(width, height) > longestSide || base64.length > longestData
  return { base64, mediaType, isLarge, mayMove: mayMove(data, mediaType) }
}

/** Returns the image in a form that providers accept, if that needs no decoder. Its pixels are not checked. */
export function examineWithoutDecoder({ base64, mediaType, isLarge, mayMove }: DecodeRequest): Examined {
  if (isLarge)
    return createUnusable(`it has more than ${longestSide} pixels a side or ${longestData} base64 characters`)
  if (!mayMove) return { type: "fits", mediaType }
  if (mediaType !== "image/gif") return createUnusable("it is an animation")
  const still = takeFirstFrame(Buffer.from(base64, "base64"))?.toString("base64")
  if (still === undefined) return { type: "unusable", reason: "it is not a complete GIF image" }
  return still === base64 ? { type: "fits", mediaType } : { type: "converted", mediaType, data: still }
}

function createUnusable(problem: string): Examined {
  const remedy = "only with the package sharp, which its operator can install (npm install sharp)"
  return { type: "unusable", reason: `${problem}; the gateway converts images ${remedy}` }
}

/** Returns true for a possible animation. A GIF always counts as one, because a PNG can show the same picture. */
function mayMove(data: Buffer, mediaType: string): boolean {
  if (mediaType === "image/gif") return true
  return (
    mediaType === "image/webp" && data.toString("latin1", 12, 16) === "VP8X" && ((data[20] ?? 0) & 2) !== 0
  )
}
