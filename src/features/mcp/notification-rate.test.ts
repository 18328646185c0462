import { expect, it, onTestFinished, vi } from "vitest"
import { createPace } from "./notification-rate.ts"

it("lets two thousand messages pass at once, and then two thousand a second", () => {
  vi.useFakeTimers({ toFake: ["performance"] })
  onTestFinished(() => void vi.useRealTimers())
  const pace = createPace()
  expect(pace.spend(2_000)).toBe(0)
  expect(pace.spend(2_000)).toBe(1_000)
  vi.advanceTimersByTime(1_000)
  expect(pace.spend(0)).toBe(0)
  vi.advanceTimersByTime(60_000)
  expect(pace.spend(2_001)).toBe(1)
})
