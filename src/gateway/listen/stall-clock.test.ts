import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { createStallClock, type StallClock } from "./stall-clock.ts"

let now = 0
let clock: StallClock
beforeEach(() => {
  now = 0
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  vi.spyOn(performance, "now").mockImplementation(() => now)
  clock = createStallClock(1_000, 30_000)
})
afterEach(() => {
  clock.stop()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Lets seconds pass in which the process runs. */
function run(seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    now += 1_000
    vi.advanceTimersByTime(1_000)
  }
}

/** Makes the next tick late. */
function stall(ms: number): void {
  now += 1_000 + ms
  vi.advanceTimersByTime(1_000)
}

test("limits stay as they are while the process runs", () => {
  run(60)
  expect(clock.extend(10_000)).toBe(10_000)
})

test("a limit is extended by the stalls in its time", () => {
  stall(7_000)
  run(3)
  stall(5_000)
  run(2)
  expect(clock.extend(10_000)).toBe(22_000)
  // The last three seconds contain the second stall, but not the first one.
  expect(clock.extend(3_000)).toBe(8_000)
})

test("a stall counts before the clock's own timer has run", () => {
  run(5)
  now += 8_000
  expect(clock.extend(10_000)).toBe(17_000)
  vi.advanceTimersByTime(1_000)
  expect(clock.extend(10_000)).toBe(17_000)
})

test("a stall no longer counts when the process has run for the limit since", () => {
  stall(7_000)
  run(11)
  expect(clock.extend(10_000)).toBe(10_000)
  expect(clock.extend(30_000)).toBe(37_000)
  run(31)
  expect(clock.extend(30_000)).toBe(30_000)
})
