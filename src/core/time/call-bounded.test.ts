import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { CallbackTimeoutError, callBounded } from "./call-bounded.ts"

const never = new Promise<never>(() => {})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe("callBounded", () => {
  it("returns what the function returns or throws, and leaves no timer", async () => {
    const bounds = { name: "policy", timeoutMs: 100 }
    expect(await callBounded(() => 1, bounds)).toBe(1)
    expect(await callBounded(async () => 2, bounds)).toBe(2)
    await expect(
      callBounded(() => {
        throw new Error("sync")
      }, bounds),
    ).rejects.toThrow("sync")
    await expect(callBounded(() => Promise.reject(new Error("async")), bounds)).rejects.toThrow("async")
    expect(vi.getTimerCount()).toBe(0)
  })

  it("awaits a thenable that is not a native promise", async () => {
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library is such an object.
    const thenable = { then: (done: (value: number) => void) => done(3) } as unknown as Promise<number>
    expect(await callBounded(() => thenable, { name: "policy", timeoutMs: 100 })).toBe(3)
    // biome-ignore lint/suspicious/noThenProperty: so is one that never settles.
    const hanging = { then: () => undefined } as unknown as Promise<number>
    const call = callBounded(() => hanging, { name: "policy", timeoutMs: 100 })
    const rejected = expect(call).rejects.toThrow("did not return")
    await vi.advanceTimersByTimeAsync(100)
    await rejected
  })

  it("ends a hanging function after the time limit, and aborts its signal", async () => {
    let told: AbortSignal | null = null
    const hang = (signal: AbortSignal) => {
      told = signal
      return never
    }
    const call = callBounded(hang, { name: "needsApproval", timeoutMs: 100 })
    const rejected = expect(call).rejects.toThrow(
      "needsApproval did not return within 100 ms (callbackTimeoutMs).",
    )
    await vi.advanceTimersByTimeAsync(100)
    await rejected
    expect(told).toMatchObject({ aborted: true, reason: expect.any(CallbackTimeoutError) })
  })

  it("rejects at once with the signal's reason, before the call and during it", async () => {
    const stop = new AbortController()
    const call = callBounded(() => never, { name: "policy", signal: stop.signal, timeoutMs: 100 })
    stop.abort(new Error("cancelled"))
    await expect(call).rejects.toThrow("cancelled")
    const called = vi.fn()
    await expect(
      callBounded(called, { name: "policy", signal: stop.signal, timeoutMs: 100 }),
    ).rejects.toThrow("cancelled")
    expect(called).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
