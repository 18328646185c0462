import { afterEach, beforeEach, expect, it } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { EventEntry } from "../../../core/log/entries.ts"
import { computeFirstSequence } from "../../../core/log/sequence.ts"
import type { Lease, Session } from "../../../core/ports/store/session-log.ts"
import type { Snapshots } from "../../../core/ports/store/snapshots.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { silentLogger } from "../fixtures/test-gateway.ts"
import { ReadQueue } from "../reading/read-queue.ts"
import { applyLive, foldWithout, readRanges } from "./fixtures/apply-live.ts"
import { describeConversation } from "./fixtures/describe-conversation.ts"
import { createRandomLog } from "./fixtures/random-log.ts"
import { type LoadedFold, SessionFolds } from "./session-folds.ts"

const id = "sess_1"
let store: Store
let warnings: object[]
/** Number of pages of the log that were read. */
let reads: number

beforeEach(async () => {
  store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  await store.log.createSession({ id, tenant: "tenant", userId: "user", agent: "agent", createdAt: 1 })
  warnings = []
  reads = 0
})

afterEach(() => store.close())

/** Creates the folds of a process that has just started. */
function newProcess(options: { readonly snapshots?: Snapshots; readonly maxWarmBytes?: number } = {}) {
  const log: Store["log"] = {
    ...store.log,
    read(...given) {
      reads += 1
      return store.log.read(...given)
    },
  }
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) }
  return new SessionFolds({ log, snapshots: store.snapshots, reads: new ReadQueue(log), logger, ...options })
}

async function claimed(): Promise<Lease> {
  const lease = await store.log.claim(id, ["agent"])
  if (lease === null) throw new Error("The session could not be claimed.")
  return lease
}

async function session(): Promise<Session> {
  const found = await store.log.session(id)
  if (found === null) throw new Error("There is no session.")
  return found
}

async function load(folds: SessionFolds, lease: Lease): Promise<LoadedFold> {
  const reader = { principal: lease.principal, signal: new AbortController().signal }
  const fold = await folds.load({ lease, session: await session(), reader })
  if (fold === null) throw new Error("The fold was not loaded.")
  return fold
}

function fromStart(entries: readonly EventEntry[]): string {
  return describeConversation(foldWithout(entries, readRanges(entries)))
}

/** Stores and folds entries like a worker, a few at a time. */
async function work(folds: SessionFolds, lease: Lease, fold: LoadedFold, entries: readonly EventEntry[]) {
  for (let start = 0; start < entries.length; start += 7) {
    const some = entries.slice(start, start + 7)
    expect(await store.log.commit([{ lease, entries: some }])).toEqual(["ok"])
    for (const index of some.keys()) applyLive(fold.conversation, entries, start + index)
    folds.snapshotIfDue(id, fold)
    await folds.settled()
  }
}

function logOf(
  lease: Lease,
  seed: string,
  { events = 700, longest = 80, forks = 0 } = {},
): readonly EventEntry[] {
  return createRandomLog({
    seed,
    events,
    firstSeq: computeFirstSequence(lease.epoch),
    longest,
    forks,
    isOneLease: true,
  })
}

/** Creates a session with a snapshot and later events. */
async function sessionWithSnapshot(seed: string, longest?: number): Promise<readonly EventEntry[]> {
  const folds = newProcess()
  const lease = await claimed()
  const entries = logOf(lease, seed, longest === undefined ? {} : { longest })
  await work(folds, lease, await load(folds, lease), entries)
  await store.log.release(lease, { force: true })
  expect(await store.snapshots.find(id)).not.toBeNull()
  return entries
}

it.each(["a", "b", "c", "d", "e", "f"])(
  "loads a snapshot and the events after it with the same result as from the start (%s)",
  async (seed) => {
    const entries = await sessionWithSnapshot(seed)
    reads = 0
    const { conversation } = await load(newProcess(), await claimed())
    expect(describeConversation(conversation)).toBe(fromStart(entries))
    expect(reads).toBeLessThan(4)
    expect(warnings).toEqual([])
  },
)

it.each(["a", "b", "c", "d", "e", "f"])(
  "leaves out superseded runs, with or without a snapshot (%s)",
  async (seed) => {
    const folds = newProcess()
    const lease = await claimed()
    const entries = logOf(lease, seed, { forks: 0.3 })
    await work(folds, lease, await load(folds, lease), entries)
    await store.log.release(lease, { force: true })
    const next = await claimed()
    expect(describeConversation((await load(newProcess(), next)).conversation)).toBe(fromStart(entries))
    await store.snapshots.drop(next)
    expect(describeConversation((await load(newProcess(), next)).conversation)).toBe(fromStart(entries))
    expect(warnings).toEqual([])
  },
)

it.each(["a", "b", "c"])("divides long conversations into rows, and extends them (%s)", async (seed) => {
  const entries = await sessionWithSnapshot(seed, 60_000)
  expect((await store.snapshots.rows(id, { from: 0, limit: 100 })).length).toBeGreaterThan(1)
  const folds = newProcess()
  const lease = await claimed()
  const fold = await load(folds, lease)
  expect(describeConversation(fold.conversation)).toBe(fromStart(entries))
  // Another process extends the snapshot of this one.
  const more = logOf(lease, `${seed} goes on`, { longest: 60_000 })
  await work(folds, lease, fold, more)
  await store.log.release(lease, { force: true })
  const { conversation } = await load(newProcess(), await claimed())
  expect(describeConversation(conversation)).toBe(fromStart([...entries, ...more]))
  expect(warnings).toEqual([])
})

it("returns the same conversation when all snapshots are deleted", async () => {
  const entries = await sessionWithSnapshot("deleted")
  const lease = await claimed()
  await store.snapshots.drop(lease)
  const { conversation } = await load(newProcess(), lease)
  expect(describeConversation(conversation)).toBe(fromStart(entries))
  expect(warnings).toEqual([])
})

/** Ways to damage what a process reads from the stored snapshots. */
const damages: Readonly<Record<string, (snapshots: Snapshots) => Partial<Snapshots>>> = {
  "a changed byte in its body": ({ find }) => ({
    async find(sessionId) {
      const found = await find(sessionId)
      return found === null ? null : { ...found, body: changed(found.body, found.body.length - 9) }
    },
  }),
  "a body that was cut off": ({ find }) => ({
    async find(sessionId) {
      const found = await find(sessionId)
      return found === null ? null : { ...found, body: found.body.subarray(0, 20) }
    },
  }),
  "a changed byte in a row": ({ rows }) => ({
    rows: async (sessionId, range) => (await rows(sessionId, range)).map((row) => changed(row, 1_000)),
  }),
  "rows that are missing": () => ({ rows: async () => [] }),
  "rows in another order": ({ rows }) => ({
    rows: async (sessionId, range) => (await rows(sessionId, range)).toReversed(),
  }),
  "another number than its body": ({ find }) => ({
    async find(sessionId) {
      const found = await find(sessionId)
      return found === null ? null : { ...found, seq: found.seq + 1 }
    },
  }),
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

it.each(Object.keys(damages))("reads the log, with a warning, if a snapshot has %s", async (name) => {
  const entries = await sessionWithSnapshot("damaged", 20_000)
  const snapshots = { ...store.snapshots, ...damages[name]?.(store.snapshots) }
  const folds = newProcess({ snapshots })
  const lease = await claimed()
  const fold = await load(folds, lease)
  expect(describeConversation(fold.conversation)).toBe(fromStart(entries))
  expect(warnings).toMatchObject([{ sessionId: id, reason: expect.any(String) }])
  // The next snapshot replaces the whole damaged one.
  warnings = []
  const more = logOf(lease, "goes on", { longest: 20_000 })
  await work(folds, lease, fold, more)
  await store.log.release(lease, { force: true })
  const { conversation } = await load(newProcess(), await claimed())
  expect(describeConversation(conversation)).toBe(fromStart([...entries, ...more]))
  expect(warnings).toEqual([])
})

it("reads the log without a warning if another version wrote the snapshot", async () => {
  const entries = await sessionWithSnapshot("version")
  const { find } = store.snapshots
  const older: Snapshots = {
    ...store.snapshots,
    async find(sessionId) {
      const found = await find(sessionId)
      return found === null ? null : { ...found, version: found.version + 1 }
    },
  }
  const { conversation } = await load(newProcess({ snapshots: older }), await claimed())
  expect(describeConversation(conversation)).toBe(fromStart(entries))
  expect(warnings).toEqual([])
})

it("reads the log if a snapshot is newer than the log, or belongs to another log", async () => {
  const entries = await sessionWithSnapshot("first")
  const first = await store.snapshots.find(id)
  const rows = await store.snapshots.rows(id, { from: 0, limit: 100 })
  const place = (first?.seq ?? 0) - computeFirstSequence(1)
  expect(place).toBeGreaterThan(0)
  for (const { events, reason } of [
    { events: place - 50, reason: "it is newer than the log" },
    { events: place + 50, reason: "the log has another event at its place" },
  ]) {
    await store.close()
    store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    await store.log.createSession({ id, tenant: "tenant", userId: "user", agent: "agent", createdAt: 1 })
    const lease = await claimed()
    // Other events with the same sequence numbers.
    const others = logOf(lease, "other", { events: 900 }).slice(0, events)
    const shifted = others.map((entry) => ({ ...entry, at: entry.at + 1 }))
    await store.log.commit([{ lease, entries: shifted }])
    if (first !== null) await store.snapshots.put(lease, { ...first, keptRows: 0, rows })
    warnings = []
    const { conversation } = await load(newProcess(), lease)
    expect(describeConversation(conversation)).toBe(fromStart(shifted))
    expect(warnings).toMatchObject([{ reason }])
  }
  expect(entries.length).toBeGreaterThan(place)
})

it("reads nothing for a session that no other process held in between", async () => {
  const entries = await sessionWithSnapshot("warm")
  const folds = newProcess()
  const first = await claimed()
  const fold = await load(folds, first)
  await store.log.release(first, { force: true })
  folds.keep(first, fold, (await session()).lastSeq)
  reads = 0
  const second = await claimed()
  expect((await load(folds, second)).conversation).toBe(fold.conversation)
  expect(reads).toBe(0)
  expect(describeConversation(fold.conversation)).toBe(fromStart(entries))
})

it("forgets a session once another process has held it or has written to it", async () => {
  await sessionWithSnapshot("other process")
  const folds = newProcess()
  const first = await claimed()
  const fold = await load(folds, first)
  const { lastSeq } = await session()
  await store.log.release(first, { force: true })
  folds.keep(first, fold, lastSeq)
  await store.log.release(await claimed(), { force: true })
  const third = await claimed()
  expect((await load(folds, third)).conversation).not.toBe(fold.conversation)
  folds.keep(third, fold, lastSeq - 1)
  await store.log.release(third, { force: true })
  expect((await load(folds, await claimed())).conversation).not.toBe(fold.conversation)
})

it("does not write a snapshot of a session that another process has claimed", async () => {
  const folds = newProcess()
  const former = await claimed()
  const fold = await load(folds, former)
  const entries = logOf(former, "zombie", { events: 50 })
  await work(folds, former, fold, entries)
  await store.log.release(former, { force: true })
  const lease = await claimed()
  for (const entry of logOf(lease, "late", { events: 300 })) fold.conversation.apply(entry)
  folds.snapshotIfDue(id, fold)
  await folds.settled()
  expect(await store.snapshots.find(id)).toBeNull()
  expect(describeConversation((await load(newProcess(), lease)).conversation)).toBe(fromStart(entries))
})

it("continues without snapshots if they cannot be stored", async () => {
  const snapshots = { ...store.snapshots, put: () => Promise.reject(new Error("The disk is full.")) }
  const folds = newProcess({ snapshots })
  const lease = await claimed()
  const fold = await load(folds, lease)
  const entries = logOf(lease, "full")
  await work(folds, lease, fold, entries)
  expect(warnings.length).toBeGreaterThan(0)
  expect(describeConversation(fold.conversation)).toBe(fromStart(entries))
})
