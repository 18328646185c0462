import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { createHeartbeatClock } from "./heartbeat-clock.ts"

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Returns a clock whose time the test sets. Timers run independently of it, as in a process that was paused. */
function clockAt(start: number) {
  let time = start
  const clock = createHeartbeatClock({ validMs: 100, now: () => time })
  const changes: boolean[] = []
  clock.onChange((isLive) => changes.push(isLive))
  return {
    clock,
    changes,
    to(next: number) {
      time = next
    },
  }
}

it("counts a heartbeat from the moment before it was sent", () => {
  const { clock, to } = clockAt(0)
  to(90)
  clock.confirmed(20)
  to(119)
  expect(clock.isLive()).toBe(true)
  to(120)
  expect(clock.isLive()).toBe(false)
})

it("announces a lapse after its time", async () => {
  const { changes, to } = clockAt(0)
  to(150)
  await vi.advanceTimersByTimeAsync(101)
  expect(changes).toEqual([false])
})

it("announces a lapse before its end, even if no timer ran in between", () => {
  const { clock, changes, to } = clockAt(0)
  to(500)
  clock.confirmed(490)
  expect(changes).toEqual([false, true])
})

it("does not end the lapse with a heartbeat that was sent too long ago", () => {
  const { clock, changes, to } = clockAt(0)
  to(500)
  clock.confirmed(50)
  expect(clock.isLive()).toBe(false)
  expect(changes).toEqual([false])
})
