import { describe, expect, it } from "vitest"
import type { Json } from "../../core/json/json.ts"
import { createTextSource } from "./byte-source.ts"
import { findValue, parsePointer } from "./json-pointer.ts"
import { PointerScanner } from "./pointer-scanner.ts"

const { signal } = new AbortController()

async function valueAt(text: string, pointer: string): Promise<Json | undefined> {
  const range = await findValue(createTextSource(text), parsePointer(pointer) ?? ["?"], signal)
  if (range === null) return undefined
  return JSON.parse(Buffer.from(text).subarray(range.start, range.end).toString())
}

const document = {
  "": 0,
  a: [1, [2, { b: 'x"]}\\' }], [], {}],
  "a/b": { "m~n": null, é: "ü😀" },
  nested: { a: { a: { a: true } }, list: [[], [[]], "s"] },
  last: -1.5e3,
}

/** Yields every pointer into the value, with the value that it refers to. */
function* pointers(value: Json, pointer = ""): Generator<[string, Json]> {
  yield [pointer, value]
  if (typeof value !== "object" || value === null) return
  for (const [key, member] of Object.entries(value)) {
    yield* pointers(member as Json, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`)
  }
}

it.each([JSON.stringify(document), JSON.stringify(document, null, 3)])(
  "finds every value of %s",
  async (text) => {
    for (const [pointer, value] of pointers(document)) expect(await valueAt(text, pointer)).toEqual(value)
  },
)

it("finds the same with any division of the text", () => {
  const text = Buffer.from(JSON.stringify(document))
  for (const [pointer, value] of pointers(document)) {
    const scanner = new PointerScanner(parsePointer(pointer) ?? [])
    for (const [at, byte] of text.entries()) if (scanner.push(Uint8Array.of(byte), at)) break
    const range = scanner.end(text.length)
    expect(JSON.parse(text.subarray(range?.start, range?.end).toString())).toEqual(value)
  }
})

it.each(["/b", "/a/9", "/a/-", "/a/00", "/a/x", "/a/0/b", "/last/a", "/nested/a/b", "//a"])(
  "finds nothing at %s",
  async (pointer) => {
    expect(await valueAt(JSON.stringify(document), pointer)).toBeUndefined()
  },
)

it("finds a member by its escaped name", async () => {
  expect(await valueAt('{"\\u0061\\n":1}', "/a\n")).toBe(1)
})

describe("a text that is not JSON", () => {
  it.each(["", "Hello, world.", "{", '{"a', '{"a":[1,', "]", "[[[[", "{]}", '"'])(
    "has no value: %s",
    async (text) => {
      expect(await findValue(createTextSource(text), ["a"], signal)).toBeNull()
    },
  )

  it("fails if it is nested too deeply", async () => {
    expect(await findValue(createTextSource("[".repeat(1_000_000)), ["0", "1"], signal)).toBeNull()
  })
})

it.each(["a", "/~", "/a~2", "~0"])("refuses the pointer %s", (pointer) => {
  expect(parsePointer(pointer)).toBeNull()
})
