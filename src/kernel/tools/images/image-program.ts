import sharp, { type Sharp } from "sharp"
import { serveRequests } from "../../../platform/workers/serve-requests.ts"
import { lowerThreadPriority } from "../thread-priority.ts"
import type { DecodeRequest, Examined } from "./examine.ts"
import { longestData, longestSide, mostPixels } from "./limits.ts"

/** The program of the process that decodes images with the optional package sharp. */
lowerThreadPriority()
sharp.cache(false)
sharp.concurrency(1)
// The library decodes many more formats, such as SVG.
sharp.block({ operation: ["VipsForeignLoad"] })
sharp.unblock({
  operation: ["VipsForeignLoadPng", "VipsForeignLoadJpeg", "VipsForeignLoadWebp", "VipsForeignLoadNsgif"],
})
serveRequests(decode)

/** Decreasing sides, tried until the data is short enough. The last one is that of a thumbnail. */
const sides = [longestSide, 2_000, 1_000, 500, 250]
/** Quality of a JPEG. A model would not notice the loss. */
const quality = 85

async function decode(request: DecodeRequest, enter: (phase: string) => void): Promise<Examined> {
  enter("decoding")
  const data = Buffer.from(request.base64, "base64")
  // Reads only the first frame of an animation.
  const image = sharp(data, { limitInputPixels: mostPixels, failOn: "warning" })
  const { mediaType } = request
  try {
    if (request.isLarge || request.mayMove) return await convertImage(image, request)
    // Decodes all pixels, but holds only a few of them.
    await image.resize(8, 8, { fit: "fill" }).raw().toBuffer()
    return { type: "fits", mediaType }
  } catch (error) {
    return { type: "unusable", reason: `it cannot be decoded as ${mediaType}${readCause(error)}` }
  }
}

/** Converts the image. A JPEG, and an image with too many bytes, becomes a JPEG, unless it is transparent. */
async function convertImage(image: Sharp, { mediaType, base64 }: DecodeRequest): Promise<Examined> {
  const { hasAlpha } = await image.metadata()
  const isLossy = !hasAlpha && (mediaType === "image/jpeg" || base64.length > longestData)
  for (const side of sides) {
    const scaled = image
      .clone()
      .autoOrient()
      .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
    const bytes = await (isLossy ? scaled.jpeg({ quality }) : scaled.png()).toBuffer()
    const data = bytes.toString("base64")
    if (data.length <= longestData)
      return { type: "converted", mediaType: isLossy ? "image/jpeg" : "image/png", data }
  }
  return { type: "unusable", reason: "it is too large even at a small size" }
}

/** Returns the decoder's own message. */
function readCause(error: unknown): string {
  const message = error instanceof Error ? error.message.replaceAll(/[^ -~]+/g, " ").trim() : ""
  return message === "" ? "" : ` (${message.slice(0, 100)})`
}
