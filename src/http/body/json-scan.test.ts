import { describe, expect, it } from "vitest"
import { createJsonScan, type JsonSize } from "./json-scan.ts"

const unlimited = { maxDepth: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY }

function excess(text: string, size: Partial<JsonSize>) {
  return createJsonScan({ ...unlimited, ...size }).read(new TextEncoder().encode(text))
}

describe("the depth of a JSON text", () => {
  it("counts objects and arrays alike", () => {
    expect(excess('[{"a":[1]}]', { maxDepth: 3 })).toBe(null)
    expect(excess('[{"a":[1]}]', { maxDepth: 2 })).toBe("depth")
  })

  it("differs from their number", () => {
    expect(excess(`[${"[1],".repeat(1000)}[1]]`, { maxDepth: 2 })).toBe(null)
  })

  it.each(['{"a":"[[[{{{"}', '{"a":"\\"[[[{{{"}', '{"a":"\\\\","b":"[["}', '"[[[['])(
    "ignores brackets in the strings of %s",
    (text) => {
      expect(excess(text, { maxDepth: 1 })).toBe(null)
    },
  )

  it("sees brackets after a string that ends in a backslash", () => {
    expect(excess('{"a":"\\\\","b":[1]}', { maxDepth: 1 })).toBe("depth")
  })

  it("handles text that is not JSON", () => {
    expect(excess("]]]][[", { maxDepth: 2 })).toBe(null)
  })

  it("uses no stack for a million levels", () => {
    expect(excess("[".repeat(1_000_000), { maxDepth: 64 })).toBe("depth")
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
  ])("of %s is %i, member names included", (text, count) => {
    expect(excess(text, { maxValues: count })).toBe(null)
    expect(excess(text, { maxValues: count - 1 })).toBe(count === 1 ? null : "values")
  })

  it("is the same wherever the text is cut into pieces", () => {
    const text = new TextEncoder().encode('["x\\"é\\\\",1,[2]]')
    const excessOf = (maxValues: number, cut: number) => {
      const scan = createJsonScan({ ...unlimited, maxValues })
      return (
        [scan.read(text.subarray(0, cut)), scan.read(text.subarray(cut))].find((found) => found !== null) ??
        null
      )
    }
    for (let cut = 0; cut <= text.length; cut++) {
      expect(excessOf(5, cut)).toBe(null)
      expect(excessOf(4, cut)).toBe("values")
    }
  })
})
