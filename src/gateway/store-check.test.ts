import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../core/errors.ts"
import { alwaysLive } from "../core/ports/store/liveness.ts"
import { checkStore } from "./store-check.ts"

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it("passes for a store that responds", async () => {
  expect(await checkStore({ liveness: alwaysLive, ping: async () => undefined })).toEqual({ ok: true })
})

it("shows the messages of the gateway's own errors only", async () => {
  const failing = (error: Error) => checkStore({ liveness: alwaysLive, ping: () => Promise.reject(error) })
  expect(await failing(new StoreUnavailableError())).toEqual({
    ok: false,
    detail: "The store is unavailable; try again.",
  })
  expect(await failing(new Error("postgres://user:secret@host"))).toEqual({ ok: false })
})

it("fails after two seconds without an answer", async () => {
  const check = checkStore({ liveness: alwaysLive, ping: () => new Promise(() => {}) })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await check).toMatchObject({ ok: false })
})

it("fails while the heartbeat has lapsed, even if the store responds", async () => {
  const lapsed = { ...alwaysLive, isLive: () => false }
  expect(await checkStore({ liveness: lapsed, ping: async () => undefined })).toMatchObject({ ok: false })
})
