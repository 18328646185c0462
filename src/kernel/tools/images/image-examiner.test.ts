import { crc32, deflateSync } from "node:zlib"
import sharp from "sharp"
import { afterAll, describe, expect, test } from "vitest"
import { createImageExaminer, type ExamineOptions } from "./image-examiner.ts"
import { readImageFormat } from "./image-format.ts"

const examiner = createImageExaminer()

afterAll(() => examiner.close())

type Format = "png" | "jpeg" | "gif" | "webp"

function drawn(format: Format, width = 40, height = 30): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 60 } } })
    .toFormat(format)
    .toBuffer()
}

/** Returns an animation of three frames. */
function drawnMoving(format: "gif" | "webp"): Promise<Buffer> {
  const frames = [0, 1, 2].map((frame) => Buffer.alloc(40 * 30 * 3, 80 * frame))
  const raw = { width: 40, height: 90, channels: 3, pageHeight: 30 } as const
  return sharp(Buffer.concat(frames), { raw })
    .toFormat(format, { delay: [100, 100, 100] })
    .toBuffer()
}

/** Returns a PNG with a correct header and correct checksums. */
function png(width: number, height: number, pixels: Buffer): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data])
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    checksum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, checksum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 0, 0, 0, 0], 8)
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1")
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ])
}

const user = {
  owner: { tenant: "tenant", userId: "user" },
  signal: new AbortController().signal,
}
const examined = (data: Buffer) => examiner.examine(data.toString("base64"), user)

test.each([
  ["image/png", "png"],
  ["image/jpeg", "jpeg"],
  ["image/webp", "webp"],
] as const)("a valid %s is accepted", async (mediaType, format) => {
  expect(await examined(await drawn(format))).toEqual({ type: "fits", mediaType })
})

describe("an image that cannot be decoded is unusable:", () => {
  test.each<[string, () => Buffer | Promise<Buffer>, RegExp]>([
    ["a frame around garbage", () => png(40, 30, Buffer.alloc(500, 7)), /cannot be decoded as image\/png/],
    ["too few pixels", () => png(40, 30, deflateSync(Buffer.alloc(100))), /cannot be decoded as image\/png/],
    [
      "a JPEG that lacks its half",
      async () => {
        const whole = await drawn("jpeg", 400, 300)
        return Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.from([0xff, 0xd9])])
      },
      /cannot be decoded as image\/jpeg/,
    ],
    ["something else", () => Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), /not a complete PNG/],
    ["nothing", () => Buffer.alloc(0), /not a complete PNG/],
    [
      "more pixels than fit into memory",
      () => png(100_000, 100_000, deflateSync(Buffer.alloc(1_000_000))),
      /pixels are more than 40000000/,
    ],
  ])("%s", async (_, make, reason) => {
    expect(await examined(await make())).toEqual({ type: "unusable", reason: expect.stringMatching(reason) })
  })
})

test("a GIF, which may be an animation, is converted to a PNG", async () => {
  expect(await examined(await drawn("gif"))).toMatchObject({ type: "converted", mediaType: "image/png" })
})

test("an image with sides that are too long is scaled down", async () => {
  const found = await examined(await drawn("png", 9_000, 90))
  const data = found?.type === "converted" ? found.data : ""
  expect(readImageFormat(Buffer.from(data, "base64"))).toEqual({
    mediaType: "image/png",
    width: 8_000,
    height: 80,
  })
})

test("an image with too many bytes is made smaller", async () => {
  // Noise cannot be compressed by any format.
  const rows = Array.from({ length: 2_050 }, () =>
    Buffer.concat([Buffer.alloc(1), crypto.getRandomValues(Buffer.alloc(2_050))]),
  )
  const found = await examined(png(2_050, 2_050, deflateSync(Buffer.concat(rows), { level: 0 })))
  expect(found).toMatchObject({ type: "converted", mediaType: "image/jpeg" })
  expect(found?.type === "converted" && found.data.length).toBeLessThanOrEqual(5 * 1024 * 1024)
})

test("an image that takes too long is given up, and the next one is examined", async () => {
  const hasty = createImageExaminer({ timeoutMs: 1 })
  const large = (await drawn("png", 3_000, 3_000)).toString("base64")
  expect(await hasty.examine(large, user)).toEqual({ type: "unusable", reason: "decoding it takes too long" })
  expect(await hasty.examine(large, user)).toMatchObject({ type: "unusable" })
  await hasty.close()
})

test("an idle process ends, and starts again for the next image", async () => {
  const idle = createImageExaminer({ idleMs: 1 })
  const small = (await drawn("png")).toString("base64")
  for (let image = 0; image < 2; image++) {
    expect(await idle.examine(small, user)).toMatchObject({ type: "fits" })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await idle.close()
  expect(await idle.examine(small, user)).toBeNull()
})

const other = { ...user, owner: { tenant: "other", userId: "user" } }

const tiny = png(1, 1, Buffer.alloc(4)).toString("base64")

/** Examines images that the decoder refuses at once, and returns the names of their owners in the order of the ends. */
function orderOf(images: readonly (readonly [name: string, options: ExamineOptions])[]) {
  const ended: string[] = []
  const examining = images.map(([name, options]) =>
    examiner
      .examine(tiny, options)
      .then(() => ended.push(name))
      .catch(() => undefined),
  )
  return { ended, examining: Promise.all(examining) }
}

test("the images of many runs of one tenant do not delay those of another tenant", async () => {
  const many = Array.from({ length: 20 }, (_, index) => [`many ${index}`, user] as const)
  const { ended, examining } = orderOf([...many, ["other", other]])
  await examining
  expect(ended.indexOf("other")).toBeLessThanOrEqual(2)
})

test("the users of a tenant take turns", async () => {
  const second = { ...user, owner: { tenant: "tenant", userId: "second" } }
  const many = Array.from({ length: 20 }, (_, index) => [`many ${index}`, user] as const)
  const { ended, examining } = orderOf([...many, ["second", second]])
  await examining
  expect(ended.indexOf("second")).toBeLessThanOrEqual(2)
})

test("the images of a canceled run are not examined", async () => {
  const stop = new AbortController()
  const canceled = { ...user, signal: stop.signal }
  const { ended, examining } = orderOf([
    ["first", user],
    ["canceled", canceled],
    ["last", user],
  ])
  stop.abort(new Error("canceled"))
  await examining
  expect(ended).toEqual(["first", "last"])
  await expect(examiner.examine(tiny, canceled)).rejects.toThrow("canceled")
})

test.each(["gif", "webp"] as const)("an animated %s becomes its first frame", async (format) => {
  const found = await examined(await drawnMoving(format))
  expect(found).toMatchObject({ type: "converted", mediaType: "image/png" })
  const data = found?.type === "converted" ? Buffer.from(found.data, "base64") : Buffer.alloc(0)
  expect((await sharp(data).stats()).channels.map(({ mean }) => mean).slice(0, 3)).toEqual([0, 0, 0])
})

test("a format that the library decodes and the gateway does not accept is refused behind any label", async () => {
  const tiff = await sharp(await drawn("png"))
    .tiff()
    .toBuffer()
  expect(await examined(tiff)).toMatchObject({ type: "unusable" })
})

describe("without the decoder", () => {
  const plain = createImageExaminer({ decodes: false })
  const checked = async (data: Buffer | Promise<Buffer>) =>
    plain.examine((await data).toString("base64"), user)

  test("valid images are accepted, with their true type", async () => {
    for (const format of ["png", "jpeg", "gif", "webp"] as const)
      expect(await checked(drawn(format))).toEqual({ type: "fits", mediaType: `image/${format}` })
  })

  test("an image that is too large is refused with what the operator can install", async () => {
    const refusal = { type: "unusable", reason: expect.stringMatching(/8000 pixels.*npm install sharp/) }
    expect(await checked(drawn("png", 9_000, 90))).toEqual(refusal)
    expect(await checked(png(2_050, 2_050, Buffer.alloc(4 * 1024 * 1024)))).toEqual(refusal)
  })

  test("an animated GIF becomes its first frame, and an animated WebP is refused", async () => {
    const found = await checked(drawnMoving("gif"))
    expect(found).toMatchObject({ type: "converted", mediaType: "image/gif" })
    const data = found?.type === "converted" ? Buffer.from(found.data, "base64") : Buffer.alloc(0)
    const { pages = 1 } = await sharp(data, { pages: -1 }).metadata()
    const { channels } = await sharp(data).stats()
    expect([pages, channels[0]?.mean]).toEqual([1, 0])
    expect(await checked(drawnMoving("webp"))).toMatchObject({ reason: expect.stringContaining("sharp") })
  })

  test("what is no image, or has too many pixels, is refused", async () => {
    expect(await checked(Buffer.from("<svg/>"))).toMatchObject({ type: "unusable" })
    expect(await checked(png(100_000, 100_000, Buffer.alloc(100)))).toMatchObject({ type: "unusable" })
    const gif = await drawn("gif")
    for (let length = 14; length < gif.length - 1; length++) {
      const cut = Buffer.concat([gif.subarray(0, length), Buffer.of(0x3b)])
      expect(await checked(cut), `${length}`).not.toMatchObject({ type: "converted" })
    }
  })
})
