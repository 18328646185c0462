export interface ImageFormat {
  readonly mediaType: string
  /** Width in pixels. */
  readonly width: number
  readonly height: number
}

/**
 * Returns the image format, if every provider accepts it. Null for other data, whatever its name is, and for
 * truncated data, for example if the code that wrote it was killed. Reads only up to the frame, so the content may
 * still be damaged.
 */
export function readImageFormat(data: Buffer): ImageFormat | null {
  for (const { mediaType, matches, size } of formats) {
    if (!matches(data.toString("latin1", 0, 16))) continue
    const { width, height } = size(data) ?? { width: 0, height: 0 }
    return width > 0 && height > 0 ? { mediaType, width, height } : null
  }
  return null
}

type Size = Pick<ImageFormat, "width" | "height">

const formats: readonly {
  readonly mediaType: string
  readonly matches: (start: string) => boolean
  readonly size: (data: Buffer) => Size | null
}[] = [
  { mediaType: "image/png", matches: (start) => start.startsWith("\x89PNG\r\n\x1a\n"), size: readPngSize },
  { mediaType: "image/jpeg", matches: (start) => start.startsWith("\xff\xd8\xff"), size: readJpegSize },
  { mediaType: "image/gif", matches: (start) => /^GIF8[79]a/.test(start), size: readGifSize },
  { mediaType: "image/webp", matches: (start) => /^RIFF.{4}WEBP/s.test(start), size: readWebpSize },
]

/** Reads the size by https://www.w3.org/TR/png-3/#5DataRep */
function readPngSize(data: Buffer): Size | null {
  if (data.length < 33 || data.toString("latin1", 12, 16) !== "IHDR" || !data.includes("IEND", 33))
    return null
  return { width: data.readUInt32BE(16), height: data.readUInt32BE(20) }
}

/** Reads the size by https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function readGifSize(data: Buffer): Size | null {
  if (data.length < 14 || !data.includes(0x3b, 13)) return null
  return { width: data.readUInt16LE(6), height: data.readUInt16LE(8) }
}

/** Returns the GIF without the frames after its first one. Null if that one is incomplete. */
export function takeFirstFrame(data: Buffer): Buffer | null {
  let at = 13 + computeTableBytes(data[10])
  // Extensions, such as comments and times.
  while (data[at] === 0x21) at = skipBlocks(data, at + 2)
  if (data[at] !== 0x2c) return null
  const end = skipBlocks(data, at + 11 + computeTableBytes(data[at + 9]))
  return end > data.length ? null : Buffer.concat([data.subarray(0, end), Buffer.of(0x3b)])
}

/** Returns the bytes of the color table that these flags announce. */
function computeTableBytes(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}

/** Returns the place after the blocks, each of which starts with its length. An empty block ends them. */
function skipBlocks(data: Buffer, start: number): number {
  let at = start
  for (let length = data[at]; length !== undefined && length > 0; length = data[at]) at += 1 + length
  return at + 1
}

/** Reads the size in the frame's header by https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B. */
function readJpegSize(data: Buffer): Size | null {
  if (data.lastIndexOf(Buffer.from([0xff, 0xd9])) < 0) return null
  for (let at = 2; at + 9 <= data.length && data[at] === 0xff; ) {
    const marker = data[at + 1] ?? 0
    if (marker === 0xff) at += 1
    else if (isFrame(marker)) return { height: data.readUInt16BE(at + 5), width: data.readUInt16BE(at + 7) }
    else at += 2 + data.readUInt16BE(at + 2)
  }
  return null
}

/** Returns true for SOF0 to SOF15, without the three markers of that range with another meaning. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** Reads the size by https://www.rfc-editor.org/rfc/rfc9649 */
function readWebpSize(data: Buffer): Size | null {
  if (data.length < 30 || data.length < data.readUInt32LE(4) + 8) return null
  switch (data.toString("latin1", 12, 16)) {
    case "VP8 ":
      return { width: data.readUInt16LE(26) & 0x3fff, height: data.readUInt16LE(28) & 0x3fff }
    case "VP8L": {
      const bits = data.readUInt32LE(21)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case "VP8X":
      return { width: data.readUIntLE(24, 3) + 1, height: data.readUIntLE(27, 3) + 1 }
    default:
      return null
  }
}
