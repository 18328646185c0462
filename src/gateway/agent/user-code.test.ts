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

it("waits for the cleanup of a call, even if it fails", async () => {
  const userCode = followUserCode({ callbackTimeoutMs: 10_000, logger })
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

it("waits at most two seconds, and logs that", async () => {
  const userCode = followUserCode({ callbackTimeoutMs: 10_000, logger })
  userCode.follow(never)
  const { onUsage } = userCode.followHooks({ onUsage: () => never })
  void onUsage?.({} as never)
  const settling = userCode.settle()
  await vi.advanceTimersByTimeAsync(2_000)
  await settling
  expect(warn.mock.calls).toEqual([[{ calls: 2 }, expect.stringContaining("had not returned")]])
})

it("forgets a call that never ends", async () => {
  const userCode = followUserCode({ callbackTimeoutMs: 10_000, logger })
  userCode.follow(never)
  await vi.advanceTimersByTimeAsync(60_000)
  await userCode.settle()
  expect(warn).not.toHaveBeenCalled()
})

it("leaves no timer behind when a call ends", async () => {
  const userCode = followUserCode({ callbackTimeoutMs: 10_000, logger })
  userCode.follow(Promise.resolve())
  userCode.follow(Promise.reject(new Error("stopped")))
  const { onEvent } = userCode.followHooks({ onEvent: async () => undefined })
  await onEvent?.({} as never, { sessionId: "sess_1", id: "sess_1:1" })
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
})

it("aborts a hook that does not return in time, and one that the closing gateway no longer waits for", async () => {
  const signals: AbortSignal[] = []
  const hang = (_report: unknown, { signal }: { readonly signal: AbortSignal }) => {
    signals.push(signal)
    return never
  }
  const late = followUserCode({ callbackTimeoutMs: 10_000, logger }).followHooks({ onUsage: hang })
  const timedOut = expect(late.onUsage?.({} as never)).rejects.toMatchObject({ code: "callback_timeout" })
  await vi.advanceTimersByTimeAsync(10_000)
  await timedOut
  const userCode = followUserCode({ callbackTimeoutMs: 10_000, logger })
  const closed = expect(userCode.followHooks({ onUsage: hang }).onUsage?.({} as never)).rejects.toThrow(
    "closed",
  )
  const settling = userCode.settle()
  await vi.advanceTimersByTimeAsync(2_000)
  await Promise.all([settling, closed])
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
})
