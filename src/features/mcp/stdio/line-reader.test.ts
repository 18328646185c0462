import { expect, it } from "vitest"
import { createLineReader } from "./line-reader.ts"

const read = (chunks: readonly (string | Buffer)[], longest = 1_000) => {
  const lines = createLineReader(longest)
  return chunks.flatMap((chunk) => lines.read(Buffer.from(chunk)))
}

it("yields lines with any division into chunks", () => {
  expect(read(["a\nb", "c\r", "\n\n", "", "d\ne\n", "f"])).toEqual(["a", "bc", "", "d", "e"])
})

it("joins characters that were divided between chunks", () => {
  const bytes = Buffer.from("ü€😀\n")
  expect(read(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(["ü€😀"])
})

it("refuses a line that is too long, finished or not, and accepts many short ones", () => {
  expect(read(Array(1_000).fill("1234\n"), 4)).toHaveLength(1_000)
  expect(() => read(["12345\n"], 4)).toThrow("longer than 4 bytes")
  expect(() => read(["123", "45"], 4)).toThrow("longer than 4 bytes")
})

it("takes time in proportion to a line's length, not to its square", () => {
  const piece = Buffer.alloc(512, "a")
  const lines = createLineReader(Number.MAX_SAFE_INTEGER)
  const start = process.cpuUsage()
  for (let count = 0; count < 60_000; count++) lines.read(piece)
  const [line] = lines.read(Buffer.from("\n"))
  expect(line).toHaveLength(60_000 * piece.length)
  // Copying the whole buffer for each piece would take minutes.
  expect(process.cpuUsage(start).user).toBeLessThan(10_000_000)
})
