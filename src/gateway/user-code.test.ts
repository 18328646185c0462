import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { followUserCode } from "./user-code.ts"

const warn = vi.fn()
const logger = { debug() {}, info() {}, warn, error() {} }
const never = new Promise<never>(() => {})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  warn.mockClear()
})

it("waits for a call that puts things in order, also if it fails", async () => {
  const userCode = followUserCode(logger)
  const call = Promise.withResolvers<void>()
  userCode.follow(call.promise)
  let settled = false
  const settling = userCode.settle().then(() => {
    settled = true
  })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(settled).toBe(false)
  call.reject(new Error("stopped"))
  await settling
  expect(warn).not.toHaveBeenCalled()
})

it("waits no longer than two seconds, and says so", async () => {
  const userCode = followUserCode(logger)
  userCode.follow(never)
  const { onUsage } = userCode.followed({ onUsage: () => never })
  void onUsage?.({} as never)
  const settling = userCode.settle()
  await vi.advanceTimersByTimeAsync(2_000)
  await settling
  expect(warn.mock.calls).toEqual([[{ calls: 2 }, expect.stringContaining("still at work")]])
})

it("forgets a call that never ends", async () => {
  const userCode = followUserCode(logger)
  userCode.follow(never)
  await vi.advanceTimersByTimeAsync(60_000)
  await userCode.settle()
  expect(warn).not.toHaveBeenCalled()
})
