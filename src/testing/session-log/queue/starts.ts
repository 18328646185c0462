import assert from "node:assert/strict"
import type { Event } from "../../../core/log/entries.ts"
import { noSpending } from "../../../core/usage.ts"
import {
  commitOk,
  createEvent,
  createTextDelta,
  runFailed,
  runStarted,
  type SessionLogCase,
  startSession,
  stepCompleted,
  stepStarted,
  toSeq,
} from "../fixtures.ts"

export const startCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "the start of a step is found from any number within it",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      await commitOk(log, {
        lease,
        entries: [
          createEvent(toSeq(lease, 5), runId, stepStarted),
          createTextDelta(toSeq(lease, 6), runId, "a"),
          createEvent(toSeq(lease, 7), runId, stepCompleted),
          createEvent(toSeq(lease, 9), runId, { ...stepStarted, stepId: "step_2", step: 2 }),
        ],
      })
      const starts = await Promise.all([4, 5, 8, 9, 99].map((n) => log.stepStart(sessionId, toSeq(lease, n))))
      assert.deepEqual(starts, [0, ...[5, 5, 9, 9].map((n) => toSeq(lease, n))])
    },
  },
  {
    rule: null,
    name: "the start of a run is found from any number",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      await commitOk(log, {
        lease,
        entries: [
          createEvent(toSeq(lease, 2), runId, runStarted),
          createEvent(toSeq(lease, 3), runId, stepStarted),
          createTextDelta(toSeq(lease, 4), runId, "a"),
          createEvent(toSeq(lease, 6), runId, runFailed),
          createEvent(toSeq(lease, 8), runId, runStarted),
        ],
      })
      const starts = await Promise.all(
        [1, 2, 4, 7, 8, 99].map((n) => log.runStart(sessionId, toSeq(lease, n))),
      )
      assert.deepEqual(starts, [0, ...[2, 2, 2, 8, 8].map((n) => toSeq(lease, n))])
      const other = await startSession(log)
      assert.equal(await log.runStart(other.sessionId, Number.MAX_SAFE_INTEGER), 0)
    },
  },
  {
    rule: null,
    name: "the events of background tasks are read without other events, from the newest tasks on",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
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
      const entries = events.map((each, index) => createEvent(toSeq(lease, index + 1), runId, each))
      await commitOk(log, {
        lease,
        entries: [...entries, createTextDelta(toSeq(lease, 20), runId, "a")],
      })
      const read = (afterSeq: number, limit = 100) =>
        log.read(sessionId, { afterSeq, limit, tasksOnly: true })
      const ofTasks = entries.filter(({ event: { type } }) => type.startsWith("task"))
      assert.deepEqual(await read(0), ofTasks)
      assert.deepEqual(await read(toSeq(lease, 3)), ofTasks.slice(2))
      assert.deepEqual(await read(0, 2), ofTasks.slice(0, 2))
      const starts = await Promise.all([1, 2, 3, 4].map((newest) => log.taskStart(sessionId, newest)))
      assert.deepEqual(
        starts,
        [7, 3, 1, 1].map((n) => toSeq(lease, n)),
      )
      const other = await startSession(log)
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
