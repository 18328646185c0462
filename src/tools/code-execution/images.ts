import type { ImagePart } from "../../core/messages.ts"
import type { Sandbox } from "../../core/ports/sandbox.ts"
import type { ReportedFile } from "./changed-files.ts"

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

/** Beginnings of the files that every model service takes as images. A name proves nothing, and a bad image fails a call. */
const signatures = [
  { type: "image/png", matches: (text: string) => text.startsWith("\x89PNG\r\n\x1a\n") },
  { type: "image/jpeg", matches: (text: string) => text.startsWith("\xff\xd8\xff") },
  { type: "image/gif", matches: (text: string) => /^GIF8[79]a/.test(text) },
  { type: "image/webp", matches: (text: string) => /^RIFF.{4}WEBP/s.test(text) },
]

/** Those of the files that are images, as many as a model can be shown. */
export async function findImages(sandbox: Sandbox, files: readonly ReportedFile[]): Promise<FoundImages> {
  const images: ReportedImage[] = []
  const parts: ImagePart[] = []
  let bytesLeft = maxTotalBytes
  for (const { path, size, media_type } of files) {
    if (parts.length === maxImages) break
    if (!media_type.startsWith("image/") || size > bytesLeft) continue
    const data = await readAll(sandbox, path, bytesLeft)
    const mediaType = data === null ? undefined : imageTypeOf(data)
    if (data === null || mediaType === undefined) continue
    bytesLeft -= data.length
    images.push({ path, media_type: mediaType })
    parts.push({ type: "image", source: { type: "base64", mediaType, data: data.toString("base64") } })
  }
  return { images, parts }
}

function imageTypeOf(data: Buffer): string | undefined {
  const start = data.toString("latin1", 0, 16)
  return signatures.find(({ matches }) => matches(start))?.type
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
