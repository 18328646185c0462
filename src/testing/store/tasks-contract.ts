import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import { maxQueuedMessages } from "../../core/ports/store/inbox.ts"
import type { OutboxItem, StartChild } from "../../core/ports/store/outbox.ts"
import type { MessageCommand, SessionLog } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { noSpending } from "../../core/usage.ts"
import {
  cancel,
  claimSession,
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
} from "../session-log/fixtures.ts"
import { createEnding } from "../session-log/waits/wait-fixtures.ts"

type Running = Awaited<ReturnType<typeof startSession>>

const outcome = {
  outcome: "completed",
  reason: null,
  response: "Done.",
  output: null,
  error: null,
  spent: noSpending,
  charged: 0,
} as const

/** A task that the session's run starts. */
function taskOf({ sessionId, runId }: Running) {
  const [childId, taskId] = [randomIds.next("sess"), randomIds.next("task")]
  const start: StartChild = {
    type: "startChild",
    child: { agent: createAgentName(), parent: { sessionId, runId, toolCallId: "call_1" }, createdAt: 5_000 },
    command: createMessage(childId, { runId: taskId }),
  }
  return { childId, taskId, item: { id: `start:${taskId}`, kind: "command", payload: start } as const }
}

/** Commits outbox items with an event of the session. */
async function write(log: SessionLog, { lease, runId }: Running, n: number, outbox: readonly OutboxItem[]) {
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, n), runId, stepStarted)], outbox })
}

async function deliver({ outbox }: Store, id: string) {
  const deliveries = await outbox.deliverCommands({ limit: 1_000 })
  return deliveries.find((delivery) => delivery.id === id)?.result
}

async function inbox(log: SessionLog, sessionId: string) {
  return log.pending(await claimSession(log, sessionId))
}

const joining = (sessionId: string, joins: string): MessageCommand => ({
  ...createMessage(sessionId),
  whenBusy: "steer",
  joins,
})

export const taskCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a background task starts without a wait, and its end reaches a session without an open run",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const parent = await startSession(log)
      const { childId, taskId, item } = taskOf(parent)
      await write(log, parent, 1, [item])
      assert.deepEqual(await deliver(store, item.id), { type: "delivered" })
      assert.equal((await log.session(childId))?.parent?.sessionId, parent.sessionId)
      assert.equal((await log.run(childId, taskId))?.state, "queued")
      await commitOk(log, { ...createEnding(parent, 2), lease: parent.lease })
      assert.equal(await log.release(parent.lease), "released")
      const child = await claimSession(log, childId)
      const { sessionId } = parent
      const end = {
        type: "taskEnd",
        sessionId,
        runId: taskId,
        outcome,
        context: {},
        channel: null,
        at: 6_000,
      } as const
      const ended = {
        id: `taskEnd:${taskId}`,
        kind: "command",
        payload: { type: "put", command: end },
      } as const
      await commitOk(log, {
        lease: child,
        entries: [createEvent(toSeq(child, 1), taskId, stepStarted)],
        outbox: [ended],
      })
      assert.deepEqual(await deliver(store, ended.id), { type: "delivered" })
      const [found] = await inbox(log, sessionId)
      assert.ok(found !== undefined)
      const { id: _, ...command } = found
      assert.deepEqual(command, end)
    },
  },
  {
    rule: null,
    name: "a cancel of the run keeps its task from starting, and the session learns that the task has ended",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const parent = await startSession(log)
      const { childId, taskId, item } = taskOf(parent)
      await write(log, parent, 1, [item])
      requireAcceptedPut(await log.put(cancel(parent.sessionId, parent.runId)))
      assert.deepEqual(await deliver(store, item.id), { type: "dropped", reason: "parent_ended" })
      assert.equal(await log.session(childId), null)
      const commands = await log.pending(parent.lease)
      const end = commands.find(({ type }) => type === "taskEnd")
      assert.ok(end?.type === "taskEnd")
      assert.deepEqual(
        [end.runId, end.outcome.outcome, end.outcome.reason],
        [taskId, "interrupted", "cancelled"],
      )
    },
  },
  {
    rule: null,
    name: "a cancel or a message for a task that has not started waits for its start",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const parent = await startSession(log)
      const { childId, taskId, item } = taskOf(parent)
      const stop = { type: "cancel", sessionId: childId, runId: taskId, at: 6_000 } as const
      const items: readonly OutboxItem[] = [
        { id: `cancel:${taskId}`, kind: "command", payload: { type: "put", command: stop } },
        { id: "send:1", kind: "command", payload: { type: "put", command: joining(childId, taskId) } },
        { ...item, notBefore: Date.now() + 60_000 },
      ]
      await write(log, parent, 1, items)
      const deliveries = await store.outbox.deliverCommands({ limit: 1_000 })
      const ofTask = deliveries.filter(({ to }) => to === childId)
      assert.deepEqual(
        ofTask.map(({ result }) => [result.type, "reason" in result ? result.reason : null]),
        [
          ["retry", "not_started_yet"],
          ["retry", "not_started_yet"],
        ],
      )
    },
  },
  {
    rule: null,
    name: "a message for a run waits while that run is queued, joins it once it is open, and is dropped after its end",
    async run({ open }) {
      const { log } = await open()
      const running = await startSession(log)
      const { sessionId, runId } = running
      const queued = createMessage(sessionId, { whenBusy: "queue" })
      requireAcceptedPut(await log.put(queued))
      assert.equal((await log.put(joining(sessionId, queued.runId))).status, "busy")
      assert.equal((await log.put(joining(sessionId, runId))).status, "steered")
      assert.equal((await log.put(joining(sessionId, "run_unknown"))).status, "unknown")
    },
  },
  {
    rule: null,
    name: "messages for one run have the bounds of all messages: their number, and the stored bytes",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId } = await startSession(log)
      const limits = { sessionBytes: 0, principalIsFull: false }
      assert.deepEqual(await log.put(joining(sessionId, runId), limits), { status: "full", scope: "session" })
      for (let count = 0; count < maxQueuedMessages; count++) {
        assert.equal((await log.put(joining(sessionId, runId))).status, "steered")
      }
      assert.deepEqual(await log.put(joining(sessionId, runId)), { status: "queueFull" })
    },
  },
  {
    rule: null,
    name: "a message for one run that is repeated with its key joins the run once",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const idempotency = { key: "said-once", bodyHash: "hash" }
      const outcomes = []
      for (let count = 0; count < 2; count++) {
        const outcome = await log.put({ ...joining(sessionId, runId), idempotency })
        outcomes.push([outcome.status, "runId" in outcome ? outcome.runId : null])
      }
      assert.deepEqual(outcomes, [
        ["steered", runId],
        ["duplicate", runId],
      ])
      assert.equal((await log.pending(lease)).filter(({ type }) => type === "steer").length, 1)
    },
  },
]
