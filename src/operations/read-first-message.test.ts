import { afterEach, expect, it } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import { type Event, logVersion } from "../core/log/entries.ts"
import type { Store } from "../core/ports/store/store.ts"
import { systemClock } from "../core/time/clock.ts"
import { createMask } from "../platform/logging/mask.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  openSession,
  runStarted,
  stepStarted,
  toSeq,
} from "../testing/session-log/fixtures.ts"
import { createFirstMessageReader } from "./read-first-message.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const withdrawn: Event = { type: "runWithdrawn", withdrawnRunId: "run_0" }
const startedBy = (text: string): Event => ({ ...runStarted, content: [{ type: "text", text }] })

let store: Store
afterEach(() => store.close())

/** Resolves to the first message of a session with these events. */
async function readFirst(events: readonly Event[], { v = logVersion } = {}): Promise<string | null> {
  store = await openMemoryStore({ clock: systemClock, logger })
  const { log } = store
  const id = await openSession(log)
  const lease = await claimSession(log, id)
  const entries = events.map((event, index) => {
    const ofNoRun = event.type === "runWithdrawn" && { runId: null }
    return createEvent(toSeq(lease, index + 1), "run_1", event, { v, ...ofNoRun })
  })
  await commitOk(log, { lease, entries })
  return createFirstMessageReader(log, createMask(["iban"]))(id)
}

it("returns the message that started the first run, and not a later one", async () => {
  expect(await readFirst([startedBy("First."), stepStarted, startedBy("Second.")])).toBe("First.")
})

it("skips withdrawals, and the history that the client's first message came with", async () => {
  const replaced: Event = {
    type: "historyReplaced",
    messages: [{ role: "user", content: [{ type: "text", text: "Before." }] }],
  }
  expect(await readFirst([withdrawn, withdrawn, replaced, startedBy("Now.")])).toBe("Now.")
})

it("masks secrets", async () => {
  const text = "Use sk-proj-abcdefghijklmnop for iban: DE12345678."
  expect(await readFirst([startedBy(text)])).toBe("Use [redacted] for iban: [redacted]")
})

it("is empty for a message without a text", async () => {
  expect(await readFirst([{ ...runStarted, content: [] }])).toBe("")
})

it("names the tool of a call without a model", async () => {
  const call = { tool: "pay", input: { iban: "DE1" }, origin: { type: "code" } } as const
  expect(await readFirst([{ ...runStarted, content: [], call }, startedBy("Hello.")])).toBe("Call of pay")
})

it("is null before the first run, and for a session that a newer version has written to", async () => {
  expect(await readFirst([withdrawn])).toBeNull()
  await store.close()
  expect(await readFirst([startedBy("Hello.")], { v: logVersion + 1 })).toBeNull()
})
