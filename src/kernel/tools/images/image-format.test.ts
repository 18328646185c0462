import { expect, test } from "vitest"
import { readImageFormat } from "./image-format.ts"

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex")
const latin1 = (text: string) => Buffer.from(text, "latin1")
const zeros = (length: number) => Buffer.alloc(length)

const png = Buffer.concat([
  hex("89504e470d0a1a0a 0000000d"),
  latin1("IHDR"),
  hex("00002580 00001c20 08 02 00 00 00 00000000"),
  hex("00000000"),
  latin1("IEND"),
  hex("ae426082"),
])
const jpeg = hex("ffd8 ffe0 0004 0000 ffff c0 000b 08 01e0 0280 01 011100 ffda 0002 00 ffd9")
const gif = Buffer.concat([latin1("GIF89a"), hex("0a00 1400 00 00 00 3b")])
const webp = (kind: string, rest: string) => {
  const body = Buffer.concat([latin1(`WEBP${kind}`), zeros(4), hex(rest), zeros(10)])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(body.length)
  return Buffer.concat([latin1("RIFF"), length, body])
}

test("the dimensions of each format are read", () => {
  expect(readImageFormat(png)).toEqual({ mediaType: "image/png", width: 9600, height: 7200 })
  expect(readImageFormat(jpeg)).toEqual({ mediaType: "image/jpeg", width: 640, height: 480 })
  expect(readImageFormat(gif)).toEqual({ mediaType: "image/gif", width: 10, height: 20 })
  const size = { mediaType: "image/webp", width: 640, height: 480 }
  expect(readImageFormat(webp("VP8 ", "000000 9d012a 8002 e001"))).toEqual(size)
  expect(readImageFormat(webp("VP8L", "2f 7fc27700"))).toEqual(size)
  expect(readImageFormat(webp("VP8X", "00000000 7f0200 df0100"))).toEqual(size)
})

test("a truncated image is refused at any length, and so is a file that only starts like one", () => {
  for (const whole of [png, jpeg, gif, webp("VP8X", "00000000 7f0200 df0100")]) {
    // The checksum at the end of a PNG is not read.
    const needed = whole === png ? whole.length - 4 : whole.length
    for (let length = 0; length < needed; length += 1) {
      expect(readImageFormat(whole.subarray(0, length)), `${length}`).toBeNull()
    }
  }
  expect(readImageFormat(Buffer.concat([png.subarray(0, 8), latin1("no image".repeat(10))]))).toBeNull()
  expect(
    readImageFormat(Buffer.concat([hex("ffd8ff"), latin1("no image".repeat(10)), hex("ffd9")])),
  ).toBeNull()
})
