import { describe, expect, it } from "vitest"
import { collectBytes } from "./collect-bytes.ts"

const encode = (text: string) => new TextEncoder().encode(text)
const anySize = () => {}

async function* reusing(texts: readonly string[]) {
  const piece = new Uint8Array(1)
  for (const text of texts) {
    piece.set(encode(text))
    yield piece
  }
}

describe("the pieces of a body", () => {
  it.each([null, 5])("are joined, and none is kept (length %j)", async (length) => {
    const bytes = await collectBytes(reusing([..."hello"]), length, anySize)
    expect(bytes).toEqual(encode("hello"))
    expect(bytes.buffer.byteLength).toBe(5)
  })

  it("may exceed the initial buffer", async () => {
    const text = "0123456789".repeat(10_000)
    const pieces = text.match(/.{1,700}/g)?.map(encode) ?? []
    expect(await collectBytes(ReadableStream.from(pieces), null, anySize)).toEqual(encode(text))
  })

  it("may be empty", async () => {
    expect(await collectBytes(reusing([]), null, anySize)).toEqual(new Uint8Array())
  })

  it("are refused as soon as they are too many", async () => {
    const sizes: number[] = []
    const accept = (_: Uint8Array, size: number) => {
      sizes.push(size)
      if (size > 2) throw new RangeError("too many")
    }
    await expect(collectBytes(reusing([..."hello"]), null, accept)).rejects.toThrow("too many")
    expect(sizes).toEqual([1, 2, 3])
  })
})
