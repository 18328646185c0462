import assert from "node:assert/strict"
import type { WithdrawMessageCommand } from "../../../core/ports/store/inbox.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import {
  cancel,
  claimSession,
  commitBatch,
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  openRun,
  openSession,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  toSeq,
} from "../fixtures.ts"
import { end, listOrder, put } from "./queue-fixtures.ts"

export const withdrawalCases: readonly SessionLogCase[] = [
  {
    rule: 12,
    name: "canceling a queued run withdraws it: its message disappears at once, and its end is logged later",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, lease } = await startSession(log)
      const [first, second] = [await put(log, sessionId, "queue"), await put(log, sessionId, "queue")]
      assert.equal(requireAcceptedPut(await log.put(cancel(sessionId, first))).runId, first)
      assert.equal(requireAcceptedPut(await log.put(cancel(sessionId, first))).runId, first)
      assert.deepEqual(await listOrder(log, sessionId), [second])
      const [command, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      assert.deepEqual(command, { type: "withdraw", sessionId, runId: first, at: 3_000, id: command?.id })
      assert.equal((await log.run(sessionId, first))?.state, "queued")
      const seq = toSeq(lease, 1)
      const entry = createEvent(seq, "", { type: "runWithdrawn", withdrawnRunId: first }, { runId: null })
      const batch = { lease, entries: [entry], commandsConsumed: [command?.id ?? 0], runsWithdrawn: [first] }
      await commitOk(log, batch)
      await commitOk(log, batch)
      const run = await log.run(sessionId, first)
      assert.deepEqual([run?.state, run?.endSeq], ["interrupted", seq])
      assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 10 }), [entry])
      assert.deepEqual(await log.pending(lease), [])
      assert.deepEqual(await log.put(cancel(sessionId, first)), { status: "unknown" })
    },
  },
  {
    rule: 12,
    name: "a session has due work until the withdrawal of its only queued run is logged",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const hasDueWork = async () => (await log.session(sessionId))?.hasDueWork
      const runId = await put(log, sessionId, "queue")
      requireAcceptedPut(await log.put(cancel(sessionId, runId)))
      assert.equal(await hasDueWork(), true)
      const lease = await claimSession(log, sessionId)
      const [command] = await log.pending(lease)
      const entry = createEvent(
        toSeq(lease, 1),
        "",
        { type: "runWithdrawn", withdrawnRunId: runId },
        { runId: null },
      )
      await commitOk(log, {
        lease,
        entries: [entry],
        commandsConsumed: [command?.id ?? 0],
        runsWithdrawn: [runId],
      })
      assert.equal(await hasDueWork(), false)
    },
  },
  {
    rule: 12,
    name: "a withdrawn run is not opened, even if the withdrawal arrived late",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const runId = await put(log, sessionId, "reject")
      const lease = await claimSession(log, sessionId)
      const [command] = await log.pending(lease)
      assert.equal(requireAcceptedPut(await log.put(cancel(sessionId))).runId, runId)
      const opening = {
        lease,
        entries: [],
        commandsConsumed: [command?.id ?? 0],
        runOpened: { runId, cursor: 0, steerable: true },
      }
      assert.equal(await commitBatch(log, opening), "withdrawn")
      assert.equal((await log.session(sessionId))?.activeRun, null)
      assert.deepEqual(
        (await log.pending(lease)).map(({ type }) => type),
        ["withdraw"],
      )
    },
  },
  {
    rule: 12,
    name: "of a withdrawal and the opening of the same run, exactly one wins",
    async run({ open }) {
      const { log } = await open()
      for (let round = 0; round < 20; round++) {
        const sessionId = await openSession(log)
        const runId = await put(log, sessionId, "reject")
        const lease = await claimSession(log, sessionId)
        const [command] = await log.pending(lease)
        const opening = {
          lease,
          entries: [],
          commandsConsumed: [command?.id ?? 0],
          runOpened: { runId, cursor: 0, steerable: true },
        }
        const [outcome] = await Promise.all([commitBatch(log, opening), log.put(cancel(sessionId, runId))])
        const types = (await log.pending(lease)).map(({ type }) => type)
        assert.deepEqual(types, [outcome === "withdrawn" ? "withdraw" : "cancel"])
      }
    },
  },
  {
    rule: null,
    name: "the run after a withdrawn one is due in its place",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const [first, second] = [await put(log, sessionId, "queue"), await put(log, sessionId, "queue")]
      requireAcceptedPut(await log.put(cancel(sessionId, first)))
      const [lease] = await log.claimRunnable([agent], 10)
      assert.ok(lease)
      const pending = await log.pending(lease)
      assert.deepEqual(pending.map((command) => [command.type, command.runId]).toSorted(), [
        ["message", second],
        ["withdraw", first],
      ])
    },
  },
  {
    rule: null,
    name: "revoking a session cancels its open run and withdraws its queued ones",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const queued = [
        await put(log, sessionId, "queue"),
        await put(log, sessionId, "queue", { notBefore: (await log.now()) + 600_000 }),
      ]
      assert.equal(await log.revokeSession(sessionId, 7_000), true)
      assert.deepEqual(await log.queuedRuns(sessionId), [])
      const pending = (await log.pending(lease)).map((command) => [command.type, command.runId])
      assert.deepEqual(pending.toSorted(), [
        ["cancel", runId],
        ...queued.map((id) => ["withdraw", id]).toSorted(),
      ])
    },
  },
  {
    rule: null,
    name: "a session with a command is kept, however long it was unused",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const runId = await put(log, sessionId, "queue", { notBefore: (await log.now()) + 600_000 })
      const prune = () => log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 10_000 })
      await prune()
      assert.deepEqual(await listOrder(log, sessionId), [runId])
      requireAcceptedPut(await log.put(cancel(sessionId, runId)))
      await prune()
      const lease = await claimSession(log, sessionId)
      const [command] = await log.pending(lease)
      const commandsConsumed = [command?.id ?? 0]
      await commitOk(log, { lease, entries: [], commandsConsumed, runsWithdrawn: [runId] })
      await log.release(lease)
      await prune()
      assert.equal(await log.session(sessionId), null)
    },
  },
]

export const interruptionCases: readonly SessionLogCase[] = [
  {
    rule: 12,
    name: "a message that interrupts cancels the open run and is taken before all others",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const queued = await put(log, sessionId, "queue")
      const first = createMessage(sessionId, { whenBusy: "interrupt" })
      assert.equal(requireAcceptedPut(await log.put(first)).position, 1)
      const second = await put(log, sessionId, "interrupt")
      assert.deepEqual(await listOrder(log, sessionId), [second, first.runId, queued])
      const [command, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      assert.deepEqual([command?.type, command?.runId], ["cancel", runId])
      const entries = [createEvent(toSeq(lease, 1), runId, runFailed)]
      const runEnded = { runId, state: "failed" as const }
      assert.equal(await commitBatch(log, { lease, entries, runEnded }), "cancelled")
      await commitOk(log, { lease, entries, runEnded, commandsConsumed: [command?.id ?? 0] })
      assert.equal(await openRun(log, lease), second)
    },
  },
  {
    rule: null,
    name: "a message that interrupts is taken before one that is already due",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const queued = await put(log, sessionId, "queue")
      const outcome = await log.put(createMessage(sessionId, { whenBusy: "interrupt" }))
      assert.equal(requireAcceptedPut(outcome).position, undefined)
      const lease = await claimSession(log, sessionId)
      assert.equal(await openRun(log, lease), requireAcceptedPut(outcome).runId)
      await end(log, lease, requireAcceptedPut(outcome).runId, 1)
      assert.equal(await openRun(log, lease), queued)
    },
  },
]

export const steeringCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a steering message joins the open run, and no run ends before it is consumed",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const steering = createMessage(sessionId, { whenBusy: "steer" })
      assert.deepEqual(await log.put(steering), { status: "steered", runId, cursor: 0 })
      assert.equal(await log.run(sessionId, steering.runId), null)
      const [command, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      const content = steering.input.type === "message" ? steering.input.content : []
      assert.deepEqual(command, { type: "steer", sessionId, runId, at: 2_000, content, id: command?.id })
      const runEnded = { runId, state: "failed" as const }
      const ending = { lease, entries: [createEvent(toSeq(lease, 1), runId, runFailed)], runEnded }
      assert.equal(await commitBatch(log, ending), "steered")
      const joined = createEvent(toSeq(lease, 1), runId, { type: "userMessageAdded", content })
      await commitOk(log, { lease, entries: [joined], commandsConsumed: [command?.id ?? 0] })
      await end(log, lease, runId, 2)
    },
  },
  {
    rule: 12,
    name: "a withdrawn steering message joins no run, and the run and the messages beside it continue",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const [withdrawn, left] = [await steer(log, sessionId), await steer(log, sessionId)]
      const queued = await put(log, sessionId, "queue")
      const [, , other] = await log.inboxMessages(sessionId)
      const unknown = { status: "unknown" }
      assert.deepEqual(await log.put(withdrawMessage(await openSession(log), withdrawn)), unknown)
      assert.deepEqual(await log.put(withdrawMessage(sessionId, other?.id ?? 0)), unknown)
      const outcome = await log.put(withdrawMessage(sessionId, withdrawn))
      assert.equal(requireAcceptedPut(outcome).runId, runId)
      assert.deepEqual(await log.put(withdrawMessage(sessionId, withdrawn)), unknown)
      assert.deepEqual(
        (await log.pending(lease)).map(({ type, id }) => [type, id]),
        [["steer", left]],
      )
      assert.equal((await log.run(sessionId, runId))?.state, "open")
      assert.deepEqual(await listOrder(log, sessionId), [queued])

      const joining = (n: number, ids: readonly number[]) => ({
        lease,
        entries: [createEvent(toSeq(lease, n), runId, { type: "userMessageAdded", content: [] })],
        commandsConsumed: ids,
        messagesJoined: ids,
      })
      assert.equal(await commitBatch(log, joining(1, [withdrawn, left])), "steered")
      await commitOk(log, joining(2, [left]))
      await commitOk(log, joining(2, [left]))
      assert.deepEqual(await log.put(withdrawMessage(sessionId, left)), unknown)
      await end(log, lease, runId, 3)
    },
  },
  {
    rule: 12,
    name: "of the withdrawal of a steering message and the commit that logs it, exactly one wins",
    async run({ open }) {
      const { log } = await open()
      for (let round = 0; round < 20; round++) {
        const { sessionId, runId, lease } = await startSession(log)
        const id = await steer(log, sessionId)
        const entries = [createEvent(toSeq(lease, 1), runId, { type: "userMessageAdded", content: [] })]
        const [joined, withdrawn] = await Promise.all([
          commitBatch(log, { lease, entries, commandsConsumed: [id], messagesJoined: [id] }),
          log.put(withdrawMessage(sessionId, id)),
        ])
        assert.equal(withdrawn.status, joined === "steered" ? "accepted" : "unknown")
        assert.equal((await log.read(sessionId, { afterSeq: 0, limit: 10 })).length, joined === "ok" ? 1 : 0)
        assert.deepEqual(await log.pending(lease), [])
      }
    },
  },
  {
    rule: null,
    name: "commands that a reader knows are returned as it has them, together with new ones",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, lease } = await startSession(log)
      const steer = () => log.put(createMessage(sessionId, { whenBusy: "steer" }))
      await steer()
      const [first] = await log.pending(lease)
      assert.ok(first?.type === "steer")
      await steer()
      const marked = { ...first, content: [{ type: "text", text: "known" }] } as const
      const gone = first.id + 1_000_000
      const known = new Map([first.id, gone].map((id) => [id, { ...marked, id }]))
      const [again, second, ...others] = await log.pending(lease, { messages: false, known })
      assert.deepEqual(others, [])
      assert.deepEqual(again, marked)
      assert.deepEqual(second, { ...first, id: second?.id })
    },
  },
  {
    rule: null,
    name: "when a steering message and the end of its run race, the message is consumed or becomes its own run",
    async run({ open }) {
      const { log } = await open()
      for (let round = 0; round < 20; round++) {
        const { sessionId, runId, lease } = await startSession(log)
        const runEnded = { runId, state: "failed" as const }
        const ending = { lease, entries: [createEvent(toSeq(lease, 1), runId, runFailed)], runEnded }
        const [outcome, steered] = await Promise.all([
          commitBatch(log, ending),
          log.put(createMessage(sessionId, { whenBusy: "steer" })),
        ])
        assert.equal(steered.status, outcome === "steered" ? "steered" : "accepted")
        const [pending] = await log.pending(lease)
        assert.equal(pending?.type, outcome === "steered" ? "steer" : "message")
      }
    },
  },
  {
    rule: null,
    name: "a steering message is queued if no run is open, if the run is being canceled, or if it accepts none",
    async run({ open }) {
      const { log } = await open()
      const idle = await openSession(log)
      assert.equal(
        requireAcceptedPut(await log.put(createMessage(idle, { whenBusy: "steer" }))).position,
        undefined,
      )
      assert.equal(requireAcceptedPut(await log.put(createMessage(idle, { whenBusy: "steer" }))).position, 2)
      const ending = await startSession(log)
      requireAcceptedPut(await log.put(cancel(ending.sessionId)))
      assert.equal(
        requireAcceptedPut(await log.put(createMessage(ending.sessionId, { whenBusy: "steer" }))).position,
        1,
      )
      const foreign = await startSession(log, { steerable: false })
      assert.equal(
        requireAcceptedPut(await log.put(createMessage(foreign.sessionId, { whenBusy: "steer" }))).position,
        1,
      )
      const later = await startSession(log)
      const notBefore = (await log.now()) + 600_000
      const outcome = await log.put(createMessage(later.sessionId, { whenBusy: "steer", notBefore }))
      assert.equal(requireAcceptedPut(outcome).position, 1)
    },
  },
]

/** Puts a message that steers the open run. Resolves to its id in the inbox. */
async function steer(log: SessionLog, sessionId: string): Promise<number> {
  await log.put(createMessage(sessionId, { whenBusy: "steer" }))
  return (await log.inboxMessages(sessionId)).at(-1)?.id ?? 0
}

function withdrawMessage(sessionId: string, messageId: number): WithdrawMessageCommand {
  return { type: "withdrawMessage", sessionId, messageId, at: 3_000 }
}
