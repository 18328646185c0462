import { expect, test } from "vitest"
import type { Entry } from "../../../core/log/entries.ts"
import {
  createEvent,
  createTextDelta,
  runFailed,
  stepCompleted,
  stepStarted,
} from "../../../testing/session-log/fixtures.ts"
import { toEntries, toRows } from "./entry-rows.ts"

test("deltas become one row between events, and one for each run", () => {
  const entries: Entry[] = [
    createTextDelta(1, "run_1", "a"),
    createTextDelta(2, "run_1", "b"),
    createEvent(3, "run_1", stepStarted),
    createTextDelta(4, "run_1", "c"),
    createTextDelta(5, "run_2", "d"),
  ]
  const { deltas, events } = toRows(entries)
  expect(deltas.map(({ runId, firstSeq, lastSeq }) => [runId, firstSeq, lastSeq])).toEqual([
    ["run_1", 1, 2],
    ["run_1", 4, 4],
    ["run_2", 5, 5],
  ])
  const read = deltas.flatMap(({ runId, firstSeq, body }) =>
    toEntries({ kind: "delta", seq: firstSeq, run_id: runId, body }),
  )
  const stored = events.flatMap(({ seq, v, at, runId, body }) =>
    toEntries({ kind: "event", seq, v, at, run_id: runId, body }),
  )
  expect([...read, ...stored].toSorted((left, right) => left.seq - right.seq)).toEqual(entries)
})

test.each([
  { count: 12, text: "x".repeat(10_000), each: 4 },
  { count: 1_500, text: "x", each: 500 },
])("a row of deltas is full with $each of $text.length characters", ({ count, text, each }) => {
  const entries = Array.from({ length: count }, (_, index) => createTextDelta(index + 1, "run_1", text))
  const { deltas } = toRows(entries)
  expect(deltas.map(({ firstSeq, lastSeq }) => [firstSeq, lastSeq])).toEqual([
    [1, each],
    [each + 1, 2 * each],
    [2 * each + 1, 3 * each],
  ])
})

test("a batch is summed up by its last, newest and settling entries", () => {
  const settling = createEvent(2, "run_1", stepCompleted, { at: 50, v: 3 })
  const rows = toRows([
    createEvent(1, "run_1", runFailed, { at: 70, v: 1 }),
    settling,
    createEvent(3, "run_1", stepStarted, { at: 60, v: 2 }),
    createTextDelta(4, "run_1", "a"),
  ])
  const bytes = [runFailed, stepCompleted, stepStarted].map((stored) => JSON.stringify(stored).length)
  expect(rows).toMatchObject({ lastSeq: 4, version: 3, at: 70, settling })
  expect(rows.bytes).toBe(bytes.reduce((sum, length) => sum + length, 0))
  expect(toRows([])).toEqual({
    events: [],
    deltas: [],
    settling: null,
    lastSeq: 0,
    bytes: 0,
    version: 0,
    at: 0,
  })
})
