import assert from "node:assert/strict"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import {
  cancel,
  commitBatch,
  commitOk,
  createEvent,
  createTextDelta,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
  stepCompleted,
  toSeq,
} from "../fixtures.ts"
import {
  createApproval,
  createEnding,
  createExpiring,
  createOpening,
  createToolResult,
  createWait,
  putAnswer,
  readQualifier,
  startAskingSession,
} from "./wait-fixtures.ts"

export const closingCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a wait that expires ends, and the audit trail records the expiry",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log, [{ qualifier: "inside" }, {}])
      const { sessionId, runId, waits } = session
      const [wait, other] = waits
      assert.ok(other)
      await commitOk(log, createExpiring(session, [wait], 2, 123_456))
      assert.equal((await approvals.wait(sessionId, wait))?.state, "expired")
      assert.equal((await approvals.wait(sessionId, other))?.state, "open")
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, wait)), { status: "expired" })
      const { toolCallId, toolName, origin } = wait
      const nobody = { decidedBy: null, editedInput: null, reason: null }
      assert.deepEqual(await approvals.audit({ sessionId, limit: 10 }), [
        {
          at: 123_456,
          sessionId,
          runId,
          toolCallId,
          toolName,
          qualifier: readQualifier(wait),
          origin,
          action: "expired",
          ...nobody,
        },
      ])
    },
  },
  {
    rule: null,
    name: "a batch that would expire an answered wait stores nothing, and does not affect other sessions",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log, [{}, {}])
      const { sessionId, runId, lease, waits } = session
      const [answered, other] = waits
      assert.ok(other)
      const elsewhere = await startAskingSession(log)
      assert.equal((await putAnswer(log, createApproval(sessionId, answered))).status, "accepted")
      const commands = await log.pending(lease)
      const late = createWait(runId)
      const batch = {
        ...createExpiring(session, [other, answered], 2),
        waitsOpened: [late],
        commandsConsumed: commands.map(({ id }) => id),
        progress: true,
      }
      assert.deepEqual(await log.commit([batch, createExpiring(elsewhere, elsewhere.waits, 2)]), [
        "answered",
        "ok",
      ])
      assert.equal((await log.read(sessionId, { afterSeq: 0, limit: 10 })).length, 1)
      assert.equal((await approvals.wait(sessionId, other))?.state, "open")
      assert.equal(await approvals.wait(sessionId, late), null)
      assert.deepEqual(await log.pending(lease), commands)
      assert.deepEqual(
        (await approvals.audit({ sessionId, limit: 10 })).map(({ action }) => action),
        ["approved"],
      )
      await commitOk(log, createExpiring(session, [other], 2))
    },
  },
  {
    rule: null,
    name: "only an open wait expires, and neither an expired one nor an unknown one does",
    async run({ open }) {
      const { log } = await open()
      const session = await startAskingSession(log)
      await commitOk(log, createExpiring(session, session.waits, 2))
      assert.deepEqual(await log.commit([createExpiring(session, session.waits, 3)]), ["answered"])
      assert.deepEqual(await log.commit([createExpiring(session, [createWait(session.runId)], 3)]), [
        "answered",
      ])
    },
  },
  {
    rule: null,
    name: "the end of a run withdraws its open waits and drops its commands",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log, [{}, {}, { kind: "clientTool" }])
      const { sessionId, runId, lease, waits } = session
      const [answered, first, second] = waits
      assert.ok(first && second)
      const other = await startAskingSession(log)
      assert.equal((await putAnswer(log, createApproval(sessionId, answered))).status, "accepted")
      assert.equal((await log.pending(lease)).length, 1)
      await commitOk(log, createEnding(session, 2, 6_000))
      assert.deepEqual(await log.pending(lease), [])
      assert.equal((await approvals.wait(sessionId, answered))?.state, "answered")
      assert.equal((await approvals.wait(sessionId, first))?.state, "withdrawn")
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, first)), { status: "expired" })
      assert.deepEqual(await putAnswer(log, createToolResult(sessionId, second)), { status: "expired" })
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, answered)), { status: "answered" })
      const records = await approvals.audit({ sessionId, limit: 10 })
      assert.deepEqual(
        records.map(({ action, toolCallId }) => [action, toolCallId]),
        [
          ["withdrawn", second.toolCallId],
          ["withdrawn", first.toolCallId],
          ["approved", answered.toolCallId],
        ],
      )
      assert.deepEqual([records[0]?.at, records[0]?.runId, records[0]?.decidedBy], [6_000, runId, null])
      assert.equal((await approvals.wait(other.sessionId, other.waits[0]))?.state, "open")
      assert.equal(await log.release(lease), "released")
    },
  },
  {
    rule: null,
    name: "a wait that is opened together with the end of its run is withdrawn",
    async run({ open }) {
      const { log, approvals } = await open()
      const [one, two] = [await startSession(log), await startSession(log)]
      const waits = [createWait(one.runId), createWait(two.runId)] as const
      // The first is in the same batch, and the second in two batches of one call.
      const outcomes = await log.commit([
        { ...createEnding(one, 1), waitsOpened: [waits[0]] },
        createOpening(two, [waits[1]], 1),
        createEnding(two, 2),
      ])
      assert.deepEqual(outcomes, ["ok", "ok", "ok"])
      for (const [index, { sessionId }] of [one, two].entries()) {
        assert.equal(
          (await approvals.wait(sessionId, { waitId: waits[index]?.waitId ?? "" }))?.state,
          "withdrawn",
        )
        const [record] = await approvals.audit({ sessionId, limit: 10 })
        assert.equal(record?.action, "withdrawn")
      }
    },
  },
  {
    rule: null,
    name: "batches of one session in one call see the wait changes of the batches before them",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, waits } = session
      const late = createWait(session.runId)
      const outcomes = await log.commit([
        createExpiring(session, waits, 2),
        createOpening(session, [late], 3),
        createExpiring(session, waits, 4),
        createExpiring(session, [late], 5),
      ])
      assert.deepEqual(outcomes, ["ok", "ok", "answered", "ok"])
      assert.equal((await approvals.wait(sessionId, late))?.state, "expired")
      assert.equal((await approvals.audit({ sessionId, limit: 10 })).length, 2)
    },
  },
  {
    rule: 7,
    name: "no wait is opened or closed after the lease is lost",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, runId, lease, waits } = session
      await log.release(lease, { force: true })
      const late = createWait(runId)
      const batches = [
        createOpening(session, [late], 2),
        createExpiring(session, waits, 2),
        createEnding(session, 2),
      ]
      assert.deepEqual(await log.commit(batches), ["fenced", "fenced", "fenced"])
      assert.equal(await approvals.wait(sessionId, late), null)
      assert.equal((await approvals.wait(sessionId, waits[0]))?.state, "open")
    },
  },
  {
    rule: 12,
    name: "an end that is refused for a cancel leaves the waits open",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, lease, waits } = session
      const state = async () => (await approvals.wait(sessionId, waits[0]))?.state
      requireAcceptedPut(await log.put(cancel(sessionId)))
      assert.deepEqual(await log.commit([createEnding(session, 2)]), ["cancelled"])
      assert.equal(await state(), "open")
      const [command] = await log.pending(lease)
      assert.ok(command?.type === "cancel")
      await commitOk(log, { ...createEnding(session, 2), commandsConsumed: [command.id] })
      assert.equal(await state(), "withdrawn")
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: null,
    name: "when an answer and the expiry race, exactly one takes effect",
    async run({ open }) {
      const { log } = await open()
      await raceAnswerAgainstExpiry(log, log)
    },
  },
  {
    rule: null,
    name: "when an answer and the end of the run race, exactly one comes first",
    async run({ open }) {
      const { log, approvals } = await open()
      for (let round = 0; round < 20; round += 1) {
        const session = await startAskingSession(log)
        const { sessionId, lease, waits } = session
        const [outcome, answer] = await inBothOrders(
          round,
          () => commitBatch(log, createEnding(session, 2)),
          () => putAnswer(log, createApproval(sessionId, waits[0])),
        )
        assert.equal(outcome, "ok")
        const wait = await approvals.wait(sessionId, waits[0])
        assert.equal(wait?.state, answer.status === "accepted" ? "answered" : "withdrawn")
        assert.ok(answer.status === "accepted" || answer.status === "expired")
        assert.deepEqual(await log.pending(lease), [])
      }
    },
  },
  {
    rule: 4,
    name: "a batch that was committed may be committed again, and is stored once",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, runId, lease, waits } = session
      const text = createTextDelta(toSeq(lease, 3), runId, "text")
      const batches = [
        { lease, entries: [createTextDelta(toSeq(lease, 2), runId, "alone")] },
        {
          ...createOpening(session, [createWait(runId)], 4),
          entries: [text, createEvent(toSeq(lease, 4), runId, stepCompleted)],
        },
        createExpiring(session, waits, 5),
        createEnding(session, 6),
      ]
      for (const batch of batches) {
        await commitOk(log, batch)
        const entries = await log.read(sessionId, { afterSeq: 0, limit: 100 })
        const audit = await approvals.audit({ sessionId, limit: 100 })
        const listed = await approvals.openWaits({ sessionId, now: 5_000, limit: 100 })
        const other = await startSession(log)
        const more = {
          lease: other.lease,
          entries: [createTextDelta(toSeq(other.lease, 1), other.runId, "x")],
        }
        assert.deepEqual(await log.commit([batch, more]), ["ok", "ok"])
        assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 100 }), entries)
        assert.deepEqual(await approvals.audit({ sessionId, limit: 100 }), audit)
        assert.deepEqual(await approvals.openWaits({ sessionId, now: 5_000, limit: 100 }), listed)
        assert.equal((await log.read(other.sessionId, { afterSeq: 0, limit: 10 })).length, 1)
      }
      assert.equal((await log.session(sessionId))?.activeRun, null)
    },
  },
]

/** Lets waits expire through `writer` while `outside` answers them. Both may be the same store. */
export async function raceAnswerAgainstExpiry(writer: SessionLog, outside: SessionLog): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const session = await startAskingSession(writer)
    const { sessionId, lease, waits } = session
    const [outcome, answer] = await inBothOrders(
      round,
      () => commitBatch(writer, createExpiring(session, waits, 2)),
      () => putAnswer(outside, createApproval(sessionId, waits[0])),
    )
    assert.ok(answer.status === "accepted" || answer.status === "expired")
    const won = answer.status === "accepted"
    assert.equal(outcome, won ? "answered" : "ok")
    assert.equal((await writer.pending(lease)).length, won ? 1 : 0)
    assert.equal((await writer.read(sessionId, { afterSeq: 0, limit: 10 })).length, won ? 1 : 2)
  }
}

/**
 * Runs both at once, started in one order or the other, because a store may serve them in the order of the requests.
 */
async function inBothOrders<A, B>(
  round: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<[A, B]> {
  if (round % 2 === 0) return Promise.all([first(), second()])
  const early = second()
  return Promise.all([first(), early])
}
