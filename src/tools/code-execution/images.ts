import type { ImagePart } from "../../core/messages.ts"
import type { Sandbox } from "../../core/ports/sandbox.ts"
import type { ReportedFile } from "./changed-files.ts"
import { readImageFormat } from "./image-format.ts"

export interface ReportedImage {
  readonly path: string
  readonly media_type: string
}

export interface FoundImages {
  readonly images: readonly ReportedImage[]
  readonly parts: readonly ImagePart[]
}

const maxImages = 8
/** Of all images of one result; what the strictest of the model services takes is 5 MiB of base64. */
const maxTotalBytes = 3.5 * 1024 * 1024

/** Of each side; what the strictest of the model services takes. */
const maxPixels = 8000

/** Those of the files that are images, as many as a model can be shown. */
export async function findImages(sandbox: Sandbox, files: readonly ReportedFile[]): Promise<FoundImages> {
  const images: ReportedImage[] = []
  const parts: ImagePart[] = []
  let bytesLeft = maxTotalBytes
  for (const { path, size, media_type } of files) {
    if (parts.length === maxImages) break
    if (!media_type.startsWith("image/") || size > bytesLeft) continue
    const data = await readAll(sandbox, path, bytesLeft)
    const format = data === null ? null : readImageFormat(data)
    // The image would stay in the conversation, and a bad one fails every call from then on.
    if (data === null || format === null || Math.max(format.width, format.height) > maxPixels) continue
    const { mediaType } = format
    bytesLeft -= data.length
    images.push({ path, media_type: mediaType })
    parts.push({ type: "image", source: { type: "base64", mediaType, data: data.toString("base64") } })
  }
  return { images, parts }
}

/** Null if it is gone, or larger than it was. */
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
