import { describe, expect, it } from "vitest"
import { createJsonParser } from "./json-parser.ts"

const encode = (text: string) => new TextEncoder().encode(text)
const large = "x".repeat(100_000)

describe.each([
  ["a small text", ""],
  ["a text that a thread parses", large],
])("%s", (_, padding) => {
  const parse = createJsonParser()

  it("is returned with its value and its bytes", async () => {
    const value = { padding, text: "é😀\ud800", list: [1, -0.5, null, true, {}] }
    const text = JSON.stringify(value)
    const parsed = await parse(encode(text))
    expect(parsed).toMatchObject({ type: "value", value })
    expect(parsed.type === "value" && new TextDecoder().decode(parsed.bytes)).toBe(text)
  })

  it("keeps a member named __proto__", async () => {
    const parsed = await parse(encode(`{"padding":"${padding}","__proto__":{"admin":true}}`))
    const value = Object(parsed.type === "value" ? parsed.value : undefined)
    expect(Object.hasOwn(value, "__proto__")).toBe(true)
    expect(value.admin).toBe(undefined)
  })

  it.each([
    ["json", encode(`{"padding":"${padding}"`)],
    ["utf8", new Uint8Array([...encode(`"${padding}`), 0xff, 0x22])],
  ])("is refused if it is not %s", async (reason, bytes) => {
    expect(await parse(bytes)).toEqual({ type: "malformed", reason })
  })
})

it("parses many large texts at once without mixing them", async () => {
  const parse = createJsonParser()
  const parsed = await Promise.all(
    Array.from({ length: 20 }, (_, index) => parse(encode(JSON.stringify([index, large])))),
  )
  expect(parsed.map((each) => each.type === "value" && Object(each.value)[0])).toEqual([...Array(20).keys()])
})

it("delivers one value in each turn of the event loop", async () => {
  const parse = createJsonParser()
  let turn = 0
  const count = () => {
    turn += 1
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const turns = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await parse(encode(JSON.stringify(large)))
      return turn
    }),
  )
  clearImmediate(counting)
  expect(new Set(turns).size).toBe(20)
})

it("does not touch the other bytes of the buffer", async () => {
  const whole = encode(`"${large}""other"`)
  await createJsonParser()(whole.subarray(0, large.length + 2))
  expect(new TextDecoder().decode(whole.subarray(large.length + 2))).toBe('"other"')
})
