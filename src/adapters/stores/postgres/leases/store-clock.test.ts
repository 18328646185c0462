import { expect, it } from "vitest"
import { createStoreClock } from "./store-clock.ts"

it("follows the database's clock, with an error of at most half the fastest round trip", () => {
  let monotonic = 1_000
  const clock = createStoreClock(() => monotonic)
  const offset = 5_000_000
  const read = (ms: number, serverAt: number) => {
    const sentAt = monotonic
    monotonic += ms
    clock.read(sentAt + serverAt + offset, { sentAt, receivedAt: monotonic })
  }
  read(400, 390)
  expect(Math.abs(clock.now() - (monotonic + offset))).toBeLessThanOrEqual(200)
  read(10, 1)
  expect(Math.abs(clock.now() - (monotonic + offset))).toBeLessThanOrEqual(10)
  const exact = clock.now() - monotonic
  // A slow reply says nothing new.
  read(3_000, 100)
  expect(clock.now() - monotonic).toBe(exact)
})

it("follows a database's clock that was set", () => {
  let monotonic = 0
  const clock = createStoreClock(() => monotonic)
  clock.read(1_000, { sentAt: 0, receivedAt: 2 })
  monotonic = 100
  clock.read(61_100, { sentAt: 98, receivedAt: 100 })
  expect(Math.abs(clock.now() - 61_100)).toBeLessThanOrEqual(2)
})

it("cannot be used before it was read", () => {
  expect(() => createStoreClock().now()).toThrow("was not read")
})
