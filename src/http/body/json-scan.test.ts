import { describe, expect, it } from "vitest"
import { findExcess, type JsonSize } from "./json-scan.ts"

const unlimited = { maxDepth: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY }

function excess(text: string, size: Partial<JsonSize>) {
  return findExcess(new TextEncoder().encode(text), { ...unlimited, ...size })
}

describe("the depth of a JSON text", () => {
  it("counts objects and arrays alike", async () => {
    expect(await excess('[{"a":[1]}]', { maxDepth: 3 })).toBe(null)
    expect(await excess('[{"a":[1]}]', { maxDepth: 2 })).toBe("depth")
  })

  it("differs from their number", async () => {
    expect(await excess(`[${"[1],".repeat(1000)}[1]]`, { maxDepth: 2 })).toBe(null)
  })

  it.each(['{"a":"[[[{{{"}', '{"a":"\\"[[[{{{"}', '{"a":"\\\\","b":"[["}', '"[[[['])(
    "ignores brackets in the strings of %s",
    async (text) => {
      expect(await excess(text, { maxDepth: 1 })).toBe(null)
    },
  )

  it("sees brackets after a string that ends in a backslash", async () => {
    expect(await excess('{"a":"\\\\","b":[1]}', { maxDepth: 1 })).toBe("depth")
  })

  it("handles text that is not JSON", async () => {
    expect(await excess("]]]][[", { maxDepth: 2 })).toBe(null)
  })

  it("uses no stack for a million levels", async () => {
    expect(await excess("[".repeat(1_000_000), { maxDepth: 64 })).toBe("depth")
  })
})

describe("the number of values of a JSON text", () => {
  it.each([
    ["null", 1],
    ["[0,0,0]", 4],
    ['{"a":1,"b":[true]}', 6],
    ['[{"a":{"b":0}},"x,y:z[]{}"]', 7],
    // An empty array counts as if it had an element.
    ["[]", 2],
  ])("of %s is %i, member names included", async (text, count) => {
    expect(await excess(text, { maxValues: count })).toBe(null)
    expect(await excess(text, { maxValues: count - 1 })).toBe(count === 1 ? null : "values")
  })

  it("is the same when the text is longer than a slice, whatever the slices cut", async () => {
    for (const shift of [0, 1, 2, 3]) {
      const text = `["${" ".repeat(512 * 1024 - 6 + shift)}\\"é\\\\",1,[2]]`
      expect(JSON.parse(text)).toHaveLength(3)
      expect(await excess(text, { maxValues: 5 })).toBe(null)
      expect(await excess(text, { maxValues: 4 })).toBe("values")
    }
  })
})
