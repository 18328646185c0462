import { expect, it, onTestFinished, vi } from "vitest"
import { createProgressLines } from "./progress.ts"

function progressLines() {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const lines: string[] = []
  return { lines, ...createProgressLines((line) => lines.push(line)) }
}

it("shows the latest of what comes within a tenth of a second", () => {
  const { lines, show, end } = progressLines()
  for (let progress = 0; progress < 1_000; progress++) show({ progress })
  expect(lines).toEqual(["0\n"])
  vi.advanceTimersByTime(100)
  expect(lines).toEqual(["0\n", "999\n"])
  show({ progress: 1_000, total: 1_000, message: "done" })
  end()
  expect(lines.at(-1)).toBe("1000/1000 done\n")
  vi.advanceTimersByTime(1_000)
  expect(lines).toHaveLength(3)
})

it("shows progress at once after a pause", () => {
  const { lines, show } = progressLines()
  show({ progress: 1 })
  vi.advanceTimersByTime(1_000)
  show({ progress: 2 })
  expect(lines).toEqual(["1\n", "2\n"])
})

it("truncates long messages", () => {
  const { lines, show } = progressLines()
  show({ progress: 1, message: "x".repeat(1_000_000) })
  expect(lines[0]?.length).toBeLessThan(1_100)
})
