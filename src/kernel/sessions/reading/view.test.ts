import { expect, it } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { LiveEntry } from "../../../core/log/entries.ts"
import { certainHold } from "../../../core/ports/run/hold.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { createTextDelta } from "../../../testing/session-log/fixtures.ts"
import { Feed } from "./feed.ts"
import { ReadQueue } from "./read-queue.ts"
import { StoreTails } from "./store-tails.ts"
import { viewSession } from "./view.ts"

/** A log without entries. */
const emptyLog = {
  stepStart: async () => 0,
  read: async () => [],
  session: async () => null,
  watch: async function* () {},
} as unknown as SessionLog

function createParts(log: SessionLog, feed: Feed) {
  const reads = new ReadQueue(log)
  return {
    log,
    feed,
    reads,
    tails: new StoreTails({ log, feed, reads }),
    session: log.session,
    hold: certainHold,
  }
}

it("shows a long text that is not stored yet in small parts", async () => {
  const deltas: LiveEntry[] = Array.from({ length: 1_800 }, (_, index) =>
    createTextDelta(index + 1, "run_1", "word "),
  )
  const feed = new Feed()
  feed.openWriter("sess_1", () => deltas)
  const leaving = new AbortController()
  const parts = createParts(emptyLog, feed)
  const seen: LiveEntry[][] = []
  const options = { afterSeq: 0, runId: "run_1", signal: leaving.signal }
  for await (const entries of viewSession(parts, "sess_1", options)) {
    seen.push([...entries])
    if (seen.flat().length === deltas.length) break
  }
  expect(seen.flat()).toEqual(deltas)
  expect(seen.map(({ length }) => length)).toEqual([500, 500, 500, 300])
})

/** Starts a view whose reads of the store fail when the test says so. */
function startFailingRead() {
  const { promise, reject } = Promise.withResolvers<readonly LiveEntry[]>()
  const session = async () => ({ activeRun: {}, lastSeq: 1 })
  const log = { ...emptyLog, session, read: () => promise } as unknown as SessionLog
  const feed = new Feed()
  const parts = createParts(log, feed)
  const options = { afterSeq: 0, runId: "run_1", signal: new AbortController().signal }
  const next = viewSession(parts, "sess_1", options)[Symbol.asyncIterator]().next()
  return { feed, next, fail: () => reject(new StoreUnavailableError()) }
}

it("ends if the store closes under it, because the process stops", async () => {
  const { feed, next, fail } = startFailingRead()
  feed.close()
  fail()
  await expect(next).resolves.toEqual({ done: true, value: { type: "shutdown" } })
})

it("fails if the store fails while the process continues", async () => {
  const { next, fail } = startFailingRead()
  fail()
  await expect(next).rejects.toThrow(StoreUnavailableError)
})

/** A log of six entries, whose second page is read when the test says so, and a feed with two unstored entries. */
function startSlowRead() {
  const entry = (seq: number): LiveEntry => createTextDelta(seq, "run_1", String(seq))
  const second = Promise.withResolvers<void>()
  const reading = Promise.withResolvers<void>()
  const log = {
    ...emptyLog,
    async read(_: string, { afterSeq }: { readonly afterSeq: number }) {
      if (afterSeq === 2) {
        reading.resolve()
        await second.promise
      }
      return [1, 2, 3, 4, 5, 6].filter((seq) => seq > afterSeq && seq <= afterSeq + 2).map(entry)
    },
    session: async () => ({ activeRun: {}, lastSeq: 8 }),
  } as unknown as SessionLog
  const lapses: (() => void)[] = []
  const hold = {
    ...certainHold,
    onLapse: (listener: () => void) => {
      lapses.push(listener)
      return () => void lapses.splice(lapses.indexOf(listener), 1)
    },
  }
  const feed = new Feed()
  const writer = feed.openWriter(
    "sess_1",
    () => [entry(7), entry(8)],
    () => 6,
  )
  const leaving = new AbortController()
  const parts = { ...createParts(log, feed), hold }
  const view = viewSession(parts, "sess_1", { afterSeq: 0, signal: leaving.signal })[Symbol.asyncIterator]()
  const rest = async () => {
    const seen: number[] = []
    for (let read = await view.next(); read.done !== true; read = await view.next()) {
      seen.push(...read.value.map(({ seq }) => seq))
    }
    return seen
  }
  return { view, writer, entry, lapses, leaving, reading: reading.promise, readOn: second.resolve, rest }
}

it("shows what is stored, then what is not, then the feed", async () => {
  const { view, writer, entry, readOn } = startSlowRead()
  readOn()
  for (const seqs of [
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ]) {
    expect(await view.next()).toEqual({ done: false, value: seqs.map(entry) })
  }
  const waiting = view.next()
  await new Promise(setImmediate)
  writer.publish(entry(9))
  expect(await waiting).toEqual({ done: false, value: [entry(9)] })
})

it.each(["lapse", "abort"])(
  "shows nothing after a gap, if the %s comes while a page is read",
  async (what) => {
    const { view, lapses, leaving, reading, readOn, rest } = startSlowRead()
    expect((await view.next()).value).toHaveLength(2)
    const seen = rest()
    await reading
    if (what === "abort") leaving.abort()
    else for (const lapse of [...lapses]) lapse()
    readOn()
    expect(await seen).toEqual([])
    expect(lapses).toEqual([])
  },
)

it.each([
  ["while it waits for the feed", 4],
  ["between two pages", 1],
  ["before its start", 0],
])("ends by return %s, and leaves nothing behind", async (_, batches) => {
  const { view, lapses, readOn } = startSlowRead()
  readOn()
  for (let index = 0; index < batches; index++) await view.next()
  const waiting = batches === 4 ? view.next() : null
  await new Promise(setImmediate)
  expect(await view.return?.()).toEqual({ done: true, value: { type: "left" } })
  if (waiting !== null) expect((await waiting).done).toBe(true)
  expect((await view.next()).done).toBe(true)
  expect(lapses).toEqual([])
})

it("ends when the hold lapses while it waits for the feed", async () => {
  const { view, lapses, readOn } = startSlowRead()
  readOn()
  for (let index = 0; index < 4; index++) await view.next()
  const waiting = view.next()
  await new Promise(setImmediate)
  for (const lapse of [...lapses]) lapse()
  expect((await waiting).done).toBe(true)
  expect(lapses).toEqual([])
})
