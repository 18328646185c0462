import assert from "node:assert/strict"
import type { Event } from "../../../core/log/entries.ts"
import { noSpending } from "../../../core/usage.ts"
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
} from "../fixtures.ts"

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
  {
    rule: null,
    name: "the events of background tasks are read without other events, from the newest tasks on",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await runningSession(log)
      const events: readonly Event[] = [
        registered("task_1"),
        stepStarted,
        registered("task_2"),
        stepCompleted,
        ended("task_1"),
        { type: "tasksCollected", toolCallId: "call_2", taskIds: ["task_1"] },
        registered("task_3"),
        runFailed,
      ]
      const entries = events.map((each, index) => event(numbered(lease, index + 1), runId, each))
      await commitOk(log, {
        lease,
        entries: [...entries, textDelta(numbered(lease, 20), runId, "a")],
      })
      const read = (afterSeq: number, limit = 100) =>
        log.read(sessionId, { afterSeq, limit, tasksOnly: true })
      const ofTasks = entries.filter(({ event: { type } }) => type.startsWith("task"))
      assert.deepEqual(await read(0), ofTasks)
      assert.deepEqual(await read(numbered(lease, 3)), ofTasks.slice(2))
      assert.deepEqual(await read(0, 2), ofTasks.slice(0, 2))
      const starts = await Promise.all([1, 2, 3, 4].map((newest) => log.taskStart(sessionId, newest)))
      assert.deepEqual(
        starts,
        [7, 3, 1, 1].map((n) => numbered(lease, n)),
      )
      const other = await runningSession(log)
      assert.equal(await log.taskStart(other.sessionId, 9), 0)
    },
  },
]

function registered(taskId: string): Event {
  const task = { taskId, toolCallId: "call_1", name: "worker", description: "Look.", agent: "agent" }
  return {
    type: "taskRegistered",
    ...task,
    ...{ sessionId: `sess_${taskId}`, reservedUsd: null, announce: false, startedAt: 1 },
  }
}

function ended(taskId: string): Event {
  const outcome = {
    outcome: "completed",
    reason: null,
    response: "Done.",
    output: null,
    error: null,
  } as const
  return {
    type: "taskEnded",
    ...{ taskId, name: "worker", toolCallId: "call_1" },
    outcome: { ...outcome, spent: noSpending, charged: 0 },
  }
}
