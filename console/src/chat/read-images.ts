import type { ImageInput } from "ai-agent-gateway/client"

const mediaTypes = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const

/**
 * Maximum characters of all images of a message, in base64. The whole message must stay below the gateway's limit of
 * 4 MiB.
 */
const maxCharacters = 3_800_000

/** Reads images for a message that may already have others. Rejects with an error that tells the user what to do. */
export async function readImages(
  files: readonly File[],
  others: readonly ImageInput[],
): Promise<readonly ImageInput[]> {
  const images = await Promise.all(files.map(readImage))
  const size = [...others, ...images].reduce((sum, image) => sum + estimateSize(image), 0)
  if (size > maxCharacters)
    throw new Error("The images are too large together. A message may have about 2.8 MB.")
  return images
}

async function readImage(file: File): Promise<ImageInput> {
  const media_type = mediaTypes.find((type) => type === file.type)
  if (media_type === undefined) throw new Error(`${file.name} is not a PNG, JPEG, GIF or WebP image.`)
  if (file.size > maxCharacters)
    throw new Error(`${file.name} is too large. A message may have about 2.8 MB.`)
  const bytes = new Uint8Array(await file.arrayBuffer())
  let binary = ""
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  }
  return { type: "image", source: { type: "base64", media_type, data: btoa(binary) } }
}

function estimateSize({ source }: ImageInput): number {
  return source.type === "base64" ? source.data.length : 0
}
