import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../core/errors.ts"
import { alwaysLive } from "../core/ports/store/liveness.ts"
import { type CheckedStore, checkStore } from "./store-check.ts"

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const anyone = { isOperator: false }
const operator = { isOperator: true }

function createStore(ping: () => Promise<void>, isLive = true): CheckedStore {
  return { log: { liveness: { ...alwaysLive, isLive: () => isLive }, ping } }
}

const working = createStore(async () => undefined)

it("passes for a store that responds", async () => {
  expect(await checkStore(working, anyone)).toEqual({ ok: true })
  expect(await checkStore(working, operator)).toEqual({ ok: true })
})

it("shows anyone the messages of the gateway's own errors only, and operators the reason", async () => {
  const refused = createStore(() =>
    Promise.reject(new StoreUnavailableError({ detail: "password authentication failed" })),
  )
  const message = "The store is unavailable; try again."
  expect(await checkStore(refused, anyone)).toEqual({ ok: false, detail: message })
  expect(await checkStore(refused, operator)).toEqual({ ok: false, detail: "password authentication failed" })
  const broken = createStore(() => Promise.reject(new Error("relation does not exist")))
  expect(await checkStore(broken, anyone)).toEqual({ ok: false })
  expect(await checkStore(broken, operator)).toEqual({ ok: false, detail: "relation does not exist" })
})

it("names missing tables to operators", async () => {
  const incomplete = { ...working, missingTables: async () => ["memory", "audit"] }
  expect(await checkStore(incomplete, anyone)).toEqual({ ok: true })
  expect(await checkStore(incomplete, operator)).toEqual({
    ok: false,
    detail: "The store lacks tables: memory, audit. Restore a complete backup.",
  })
})

it("fails after two seconds without an answer", async () => {
  const check = checkStore(
    createStore(() => new Promise(() => {})),
    anyone,
  )
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await check).toMatchObject({ ok: false })
})

it("fails while the heartbeat has lapsed, even if the store responds", async () => {
  const lapsed = createStore(async () => undefined, false)
  expect(await checkStore(lapsed, anyone)).toMatchObject({ ok: false })
})
