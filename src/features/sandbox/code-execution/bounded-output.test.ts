import { expect, test, vi } from "vitest"
import { createBoundedOutput } from "./bounded-output.ts"
import { collectGarbage } from "./fixtures/collect-garbage.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

test("short output is kept completely", () => {
  const output = createBoundedOutput(10)
  for (const piece of ["ab", "cdefg", "hij"]) output.push(bytes(piece))
  expect(output.text(10)).toBe("abcdefghij")
  expect(output.truncated(10)).toBe(false)
})

test("the beginning and the end of long output are kept, with any division into chunks", () => {
  const digits = "0123456789".repeat(50)
  for (const size of [1, 3, 7, 64, 500]) {
    const output = createBoundedOutput(20)
    for (let at = 0; at < digits.length; at += size) output.push(bytes(digits.slice(at, at + size)))
    expect(output.text(20)).toBe("0123456789\n[480 bytes are left out here.]\n0123456789")
    expect(output.text(8)).toBe("0123\n[492 bytes are left out here.]\n6789")
    expect(output.truncated(20)).toBe(true)
  }
})

test("output uses no more memory than it needs", () => {
  const output = createBoundedOutput(1_000_000)
  expect(output.held).toBe(0)
  output.push(bytes("ab"))
  output.push(bytes("c"))
  expect(output.held).toBeLessThan(10)
  for (let index = 0; index < 3_000; index += 1) output.push(new Uint8Array(1_000))
  expect(output.held).toBe(1_000_000)
})

test("short outputs keep no memory alive beyond their counted size", async () => {
  const count = 1_000
  collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const outputs = Array.from({ length: count }, () => {
    const output = createBoundedOutput(100_000)
    output.push(bytes("one line"))
    // Simulates other work of the process, which uses parts of the slabs that small buffers share.
    for (let index = 0; index < 20; index += 1) Buffer.allocUnsafe(4_000)
    return output
  })
  const counted = outputs.reduce((sum, output) => sum + output.held, 0)
  expect(counted).toBe(count * 8)
  // Another thread frees the collected memory, so it may still be counted for a moment.
  await vi.waitFor(
    () => {
      collectGarbage()
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(counted + 1024 * 1024)
    },
    { interval: 100 },
  )
  expect(outputs).toHaveLength(count)
})

test("characters that the cut would divide are left out", () => {
  const output = createBoundedOutput(10)
  output.push(bytes("ä".repeat(20)))
  expect(output.text(10)).toBe("ää\n[30 bytes are left out here.]\nää")
})
