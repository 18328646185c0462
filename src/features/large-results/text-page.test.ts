import { expect, it } from "vitest"
import { createTextSource } from "./byte-source.ts"
import { searchText } from "./search-text.ts"
import { readPage } from "./text-page.ts"

const { signal } = new AbortController()
const text = "aé€😀".repeat(50)

it.each([1, 4, 5, 7, 13, 1_000])(
  "pages through a text to its last byte, %i bytes at a time",
  async (maxBytes) => {
    const source = createTextSource(text)
    let read = ""
    for (let at = 0; at < source.bytes; ) {
      const page = await readPage(source, { start: at, end: source.bytes, maxBytes })
      expect(page.start).toBe(at)
      expect(page.end).toBeGreaterThan(at)
      expect(Buffer.byteLength(page.text)).toBe(page.end - page.start)
      read += page.text
      at = page.end
    }
    expect(read).toBe(text)
  },
)

it("starts at the next character if the offset is within one", async () => {
  const page = await readPage(createTextSource("é!"), { start: 1, end: 3, maxBytes: 10 })
  expect(page).toEqual({ text: "!", start: 2, end: 3 })
})

it("is empty past the end", async () => {
  expect((await readPage(createTextSource("ab"), { start: 9, end: 2, maxBytes: 10 })).text).toBe("")
})

it("finds a text with any division into chunks, and each place once", async () => {
  const filler = "x".repeat(128 * 1024 - 3)
  const source = createTextSource(`needle${filler}needle${filler}needleneedle`)
  const options = { start: 0, limit: 20, signal }
  const offsets = (await searchText(source, "needle", options)).map(({ offset }) => offset)
  const { length } = filler
  expect(offsets).toEqual([0, 6 + length, 12 + 2 * length, 18 + 2 * length])
  expect(await searchText(source, "needle", { ...options, limit: 1 })).toHaveLength(1)
  expect((await searchText(source, "needle", { ...options, start: 1 }))[0]?.offset).toBe(6 + length)
  expect(await searchText(source, "haystack", options)).toEqual([])
})
