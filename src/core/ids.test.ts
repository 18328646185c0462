import { afterEach, expect, it, vi } from "vitest"
import { randomIds } from "./ids.ts"

afterEach(() => {
  vi.useRealTimers()
})

it("makes ids that are distinct, and safe in a path", () => {
  const ids = Array.from({ length: 1_000 }, () => randomIds.next("run"))
  expect(new Set(ids).size).toBe(1_000)
  for (const id of ids) expect(id).toMatch(/^run_[0-9a-z]{25}$/)
})

it("makes ids that sort by their time, across changes of its length too", () => {
  const times = [1, Date.UTC(2026, 0), 36 ** 8 - 1, 36 ** 8, Date.UTC(5_000, 0)]
  vi.useFakeTimers({ toFake: ["Date"] })
  const ids = times.map((time) => {
    vi.setSystemTime(time)
    return randomIds.next("sess")
  })
  expect(ids.toSorted()).toEqual(ids)
})

it("reveals nothing in a nonce or a key", () => {
  vi.useFakeTimers({ toFake: ["Date"] })
  for (const prefix of ["nonce", "key"] as const) {
    const [one = "", other = ""] = [randomIds.next(prefix), randomIds.next(prefix)]
    expect(one).toMatch(new RegExp(`^${prefix}_[0-9a-f]{32}$`))
    expect(one.slice(0, prefix.length + 9)).not.toBe(other.slice(0, prefix.length + 9))
  }
})
