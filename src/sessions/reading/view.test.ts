import { expect, it } from "vitest"
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
