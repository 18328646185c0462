import { expect, it } from "vitest"
import { StoreUnavailableError } from "../../core/errors.ts"
import type { LiveEntry } from "../../core/log/entries.ts"
import { certainHold } from "../../core/ports/run/hold.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { createTextDelta } from "../../testing/session-log/fixtures.ts"
import { Feed } from "./feed.ts"
import { ReadQueue } from "./read-queue.ts"
import { viewSession } from "./view.ts"

/** A log without entries. */
const emptyLog = {
  stepStart: async () => 0,
  read: async () => [],
  watch: async function* () {},
} as unknown as SessionLog

it("shows a long text that is not stored yet in small parts", async () => {
  const deltas: LiveEntry[] = Array.from({ length: 1_800 }, (_, index) =>
    createTextDelta(index + 1, "run_1", "word "),
  )
  const feed = new Feed()
  feed.openWriter("sess_1", () => deltas)
  const leaving = new AbortController()
  const parts = { log: emptyLog, feed, reads: new ReadQueue(emptyLog), hold: certainHold }
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
  const log = { ...emptyLog, read: () => promise } as unknown as SessionLog
  const feed = new Feed()
  const parts = { log, feed, reads: new ReadQueue(log), hold: certainHold }
  const options = { afterSeq: 0, runId: "run_1", signal: new AbortController().signal }
  const next = viewSession(parts, "sess_1", options)[Symbol.asyncIterator]().next()
  return { feed, next, fail: () => reject(new StoreUnavailableError()) }
}

it("ends if the store closes under it, because the process stops", async () => {
  const { feed, next, fail } = startFailingRead()
  feed.close()
  fail()
  await expect(next).resolves.toEqual({ done: true, value: undefined })
})

it("fails if the store fails while the process continues", async () => {
  const { next, fail } = startFailingRead()
  fail()
  await expect(next).rejects.toThrow(StoreUnavailableError)
})
