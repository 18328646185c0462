import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { createRateLimiter } from "./rate-limiter.ts"

const clock = { now: () => Date.now() }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe("a rate limiter", () => {
  it("allows a number of requests per minute for each key, and reports how long to wait", async () => {
    const limiter = createRateLimiter({ name: "test", limit: 2, clock })
    expect(await limiter.count(["a"])).toMatchObject({ allowed: true, remaining: 1, resetSeconds: 60 })
    vi.advanceTimersByTime(15_500)
    expect(await limiter.count(["a"])).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 45 })
    expect(await limiter.count(["a"])).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 45 })
    expect(await limiter.count(["b"])).toMatchObject({ allowed: true, remaining: 1 })
    vi.advanceTimersByTime(44_500)
    expect(await limiter.count(["a"])).toMatchObject({ allowed: true, remaining: 1, resetSeconds: 60 })
  })

  it("says whether a key is exhausted, without counting", async () => {
    const limiter = createRateLimiter({ name: "test", limit: 1, clock })
    expect(await limiter.isExhausted(["a"])).toBe(false)
    expect(await limiter.isExhausted(["a"])).toBe(false)
    expect(await limiter.count(["a"])).toMatchObject({ allowed: true })
    expect(await limiter.isExhausted(["a"])).toBe(true)
    vi.advanceTimersByTime(60_000)
    expect(await limiter.isExhausted(["a"])).toBe(false)
  })

  it("reports which refusal is the first of a window", async () => {
    const limiter = createRateLimiter({ name: "test", limit: 1, clock })
    const first: boolean[] = []
    for (let times = 0; times < 4; times++) first.push((await limiter.count(["a"])).isFirstRefusal)
    expect(first).toEqual([false, true, false, false])
  })

  it("does not affect new keys of another group than those of a flood", async () => {
    const limiter = createRateLimiter({ name: "test", limit: 5, clock, maxKeys: 10 })
    for (let key = 0; key < 20_000; key++) await limiter.count(["192.0.2.7", String(key)])
    expect(await limiter.count(["192.0.2.7", "new"])).toMatchObject({ allowed: false })
    expect(await limiter.count(["192.0.2.8", "new"])).toMatchObject({ allowed: true, remaining: 4 })
  })

  it("distinguishes keys whose parts are the same text when they are joined", async () => {
    const limiter = createRateLimiter({ name: "test", limit: 1, clock })
    for (const key of [["a b", "c"], ["a", "b c"], ["a", "b", "c"], ["a b c"], ['a","b', "c"]] as const)
      expect(await limiter.count(key)).toMatchObject({ allowed: true })
  })

  it("lets a flood of keys share counters, and does not affect keys with their own counter", async () => {
    const limiter = createRateLimiter({ name: "test", limit: 5, clock, maxKeys: 10 })
    await limiter.count(["early"])
    let refused = 0
    for (let key = 0; key < 20_000; key++) {
      if (!(await limiter.count(["flood", String(key)])).allowed) refused++
    }
    // Nine keys had counters of their own. All other keys shared at most 1 024 counters.
    expect(refused).toBeGreaterThanOrEqual(20_000 - 9 - 1_024 * 5)
    expect(await limiter.count(["early"])).toMatchObject({ allowed: true, remaining: 3 })
    expect(vi.getTimerCount()).toBeLessThanOrEqual(10 + 1_024)

    vi.advanceTimersByTime(60_000)
    expect(vi.getTimerCount()).toBe(0)
    expect(await limiter.count(["late"])).toMatchObject({ allowed: true, remaining: 4 })
  })
})
