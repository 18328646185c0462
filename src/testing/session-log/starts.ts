import assert from "node:assert/strict"
import {
  commitOk,
  event,
  numbered,
  runFailed,
  runningSession,
  runStarted,
  type SessionLogCase,
  stepCompleted,
  stepStarted,
  textDelta,
} from "./fixtures.ts"

export const startCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "the start of a step is found from any number within it",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await runningSession(log)
      await commitOk(log, {
        lease,
        entries: [
          event(numbered(lease, 5), runId, stepStarted),
          textDelta(numbered(lease, 6), runId, "a"),
          event(numbered(lease, 7), runId, stepCompleted),
          event(numbered(lease, 9), runId, { ...stepStarted, stepId: "step_2", step: 2 }),
        ],
      })
      const starts = await Promise.all(
        [4, 5, 8, 9, 99].map((n) => log.stepStart(sessionId, numbered(lease, n))),
      )
      assert.deepEqual(starts, [0, ...[5, 5, 9, 9].map((n) => numbered(lease, n))])
    },
  },
  {
    rule: null,
    name: "the start of a run is found from any number",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await runningSession(log)
      await commitOk(log, {
        lease,
        entries: [
          event(numbered(lease, 2), runId, runStarted),
          event(numbered(lease, 3), runId, stepStarted),
          textDelta(numbered(lease, 4), runId, "a"),
          event(numbered(lease, 6), runId, runFailed),
          event(numbered(lease, 8), runId, runStarted),
        ],
      })
      const starts = await Promise.all(
        [1, 2, 4, 7, 8, 99].map((n) => log.runStart(sessionId, numbered(lease, n))),
      )
      assert.deepEqual(starts, [0, ...[2, 2, 2, 8, 8].map((n) => numbered(lease, n))])
      const other = await runningSession(log)
      assert.equal(await log.runStart(other.sessionId, Number.MAX_SAFE_INTEGER), 0)
    },
  },
]
