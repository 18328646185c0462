import { setTimeout as delay } from "node:timers/promises"
import { expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { Entry } from "../../../core/log/entries.ts"
import { certainHold } from "../../../core/ports/run/hold.ts"
import type { ReadOptions } from "../../../core/ports/store/read-options.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import {
  createEvent,
  createTextDelta,
  runFailed,
  stepStarted,
} from "../../../testing/session-log/fixtures.ts"
import { Feed } from "./feed.ts"
import { ReadQueue } from "./read-queue.ts"
import { StoreTails } from "./store-tails.ts"
import { viewSession } from "./view.ts"

/** A log that another process writes. Each call takes a little time. */
function createForeignLog() {
  const entries: Entry[] = []
  const counts = { read: 0, session: 0, run: 0, watch: 0 }
  let [isOpen, isFailing] = [true, false]
  const takeTime = async () => {
    await delay(Math.random() * 2)
    if (isFailing) throw new StoreUnavailableError()
  }
  const lastSeq = () => entries.at(-1)?.seq ?? 0
  const log = {
    async read(_: string, { afterSeq, limit }: ReadOptions) {
      counts.read++
      await takeTime()
      return entries.filter(({ seq }) => seq > afterSeq).slice(0, limit)
    },
    async session() {
      counts.session++
      await takeTime()
      return { activeRun: isOpen ? {} : null, hasDueWork: false, lastSeq: lastSeq() }
    },
    async run() {
      counts.run++
      await takeTime()
      return { state: isOpen ? "open" : "failed", endSeq: isOpen ? null : lastSeq() }
    },
    async *watch(_: string, { signal }: { readonly signal: AbortSignal }) {
      counts.watch++
      for (let seen = -1; !signal.aborted; await delay(1)) {
        if (seen === lastSeq()) continue
        seen = lastSeq()
        yield
      }
    },
  } as unknown as SessionLog
  return {
    log,
    counts,
    fail() {
      isFailing = true
    },
    write: (...more: readonly Entry[]) => void entries.push(...more),
    /** Ends the run, and writes another event of the session after the run's end. */
    end(seq: number) {
      isOpen = false
      entries.push(createEvent(seq, "run_1", runFailed), createEvent(seq + 1, "run_1", stepStarted))
    },
  }
}

function createParts(log: SessionLog) {
  const [feed, reads] = [new Feed(), new ReadQueue(log)]
  return {
    log,
    feed,
    reads,
    tails: new StoreTails({ log, feed, reads }),
    session: log.session,
    hold: certainHold,
  }
}

const idle = new AbortController().signal

async function collect(parts: ReturnType<typeof createParts>, runId?: string): Promise<number[]> {
  const seen: number[] = []
  const options = { afterSeq: 0, signal: idle, ...(runId !== undefined && { runId }) }
  for await (const batch of viewSession(parts, "sess_1", options)) seen.push(...batch.map(({ seq }) => seq))
  return seen
}

it("shows each viewer every entry once, in order, whenever it comes, and to the end", async () => {
  const { log, write, end } = createForeignLog()
  const parts = createParts(log)
  const views: Promise<number[]>[] = []
  const total = 600
  for (let seq = 1; seq <= total; seq++) {
    write(seq % 50 === 0 ? createEvent(seq, "run_1", stepStarted) : createTextDelta(seq, "run_1", "x"))
    if (Math.random() < 0.1) await delay(Math.random() * 4)
    if (Math.random() < 0.1) views.push(collect(parts, Math.random() < 0.5 ? "run_1" : undefined))
  }
  end(total + 1)
  views.push(collect(parts))
  for (const seen of await Promise.all(views)) {
    // A view of the run ends with it, one of the session after its last event.
    expect([total + 1, total + 2]).toContain(seen.length)
    expect(seen).toEqual(seen.map((_, index) => index + 1))
  }
})

it("reads the entries once for all viewers, and stops when the last one leaves", async () => {
  const { log, counts, write } = createForeignLog()
  const parts = createParts(log)
  write(createTextDelta(1, "run_1", "x"))
  const leaving = new AbortController()
  const views = Array.from({ length: 80 }, () =>
    viewSession(parts, "sess_1", { afterSeq: 0, runId: "run_1", signal: leaving.signal })[
      Symbol.asyncIterator
    ](),
  )
  const readAll = () => Promise.all(views.map((view) => view.next()))
  await readAll()
  write(createTextDelta(2, "run_1", "x"))
  await readAll()
  const before = { ...counts }
  for (let seq = 3; seq <= 12; seq++) {
    write(createTextDelta(seq, "run_1", "x"))
    await readAll()
  }
  expect(counts).toEqual({ ...before, read: expect.any(Number) })
  // The first writes may have been noticed late.
  expect(counts.read - before.read).toBeLessThanOrEqual(11)
  expect(counts.watch).toBe(1)
  leaving.abort()
  await readAll()
  const last = counts.read
  write(createTextDelta(13, "run_1", "x"))
  await delay(20)
  expect(counts.read).toBe(last)
})

it("sends its viewers to the store when reading fails, and they report it", async () => {
  const { log, fail, write } = createForeignLog()
  const parts = createParts(log)
  write(createTextDelta(1, "run_1", "x"))
  const views = [1, 2].map(() => collect(parts, "run_1"))
  await vi.waitFor(() => expect(parts.feed.hasWriter("sess_1")).toBe(false))
  await delay(20)
  fail()
  write(createTextDelta(2, "run_1", "x"))
  for (const view of views) await expect(view).rejects.toBeInstanceOf(StoreUnavailableError)
})

it("leaves the session to its writer while this process writes it", async () => {
  const { log, counts, write } = createForeignLog()
  const parts = createParts(log)
  write(createTextDelta(1, "run_1", "x"))
  const view = viewSession(parts, "sess_1", { afterSeq: 0, runId: "run_1", signal: idle })[
    Symbol.asyncIterator
  ]()
  expect((await view.next()).value).toHaveLength(1)
  const next = view.next()
  await delay(20)
  write(createTextDelta(2, "run_1", "x"))
  const writer = parts.feed.openWriter(
    "sess_1",
    () => [],
    () => 2,
  )
  // The last entry of the other process was not read before this one became the writer.
  expect((await next).value).toEqual([createTextDelta(2, "run_1", "x")])
  const live = view.next()
  await delay(20)
  const before = counts.read
  writer.publish(createTextDelta(3, "run_1", "x"))
  expect((await live).value).toEqual([createTextDelta(3, "run_1", "x")])
  expect(counts.read).toBe(before)
  await view.return?.()
})
