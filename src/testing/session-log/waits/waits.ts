import assert from "node:assert/strict"
import { cancel, commitOk, requireAcceptedPut, type SessionLogCase } from "../fixtures.ts"
import {
  createApproval,
  createChildAnswer,
  createElicitation,
  createEnding,
  createExpiring,
  createOpening,
  createToolResult,
  createWait,
  putAnswer,
  startAskingSession,
} from "./wait-fixtures.ts"

export const waitKindCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "no one can answer a timer: an answer of any kind is unknown, and leaves it open",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, lease, waits } = await startAskingSession(log, [{ kind: "timer" }])
      const [timer] = waits
      const forged = [
        createApproval(sessionId, timer, { grant: true }),
        createToolResult(sessionId, timer),
        createElicitation(sessionId, timer),
        createChildAnswer(sessionId, timer),
      ]
      for (const command of forged) assert.deepEqual(await putAnswer(log, command), { status: "unknown" })
      assert.deepEqual(await log.pending(lease), [])
      assert.equal((await approvals.wait(sessionId, timer))?.state, "open")
      const [listed] = await approvals.openWaits({ sessionId, kind: "timer", now: 5_000, limit: 10 })
      assert.equal(listed?.waitId, timer.waitId)
    },
  },
  {
    rule: null,
    name: "the expiry of a timer, and the end of its run, leave no audit record",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log, [{ kind: "timer" }, { kind: "timer" }, { kind: "child" }])
      const { sessionId, waits } = session
      const [over, withdrawn, child] = waits
      assert.ok(withdrawn && child)
      await commitOk(log, createExpiring(session, [over], 2))
      await commitOk(log, createEnding(session, 3))
      const states = await Promise.all(
        [over, withdrawn, child].map((wait) => approvals.wait(sessionId, wait)),
      )
      assert.deepEqual(
        states.map((wait) => wait?.state),
        ["expired", "withdrawn", "withdrawn"],
      )
      assert.deepEqual(await approvals.audit({ sessionId, limit: 10 }), [])
    },
  },
  {
    rule: 12,
    name: "a child's answer is accepted once, not after a cancel, and leaves no audit record",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log, [{ kind: "child" }, { kind: "child" }])
      const { sessionId, runId, lease, waits } = session
      const [first, second] = waits
      assert.ok(second)
      const command = createChildAnswer(sessionId, first)
      const wrong = createChildAnswer(sessionId, { ...first, nonce: second.nonce })
      assert.deepEqual(await putAnswer(log, wrong), { status: "wrongNonce" })
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, first)), { status: "unknown" })
      assert.deepEqual(await putAnswer(log, command), { status: "accepted", runId })
      assert.deepEqual(await putAnswer(log, command), { status: "answered" })
      const [pending] = await log.pending(lease)
      const { toolCallId } = first
      assert.deepEqual(pending, { ...command, runId, toolCallId, id: pending?.id })
      requireAcceptedPut(await log.put(cancel(sessionId)))
      assert.deepEqual(await putAnswer(log, createChildAnswer(sessionId, second)), { status: "expired" })
      assert.deepEqual(await approvals.audit({ sessionId, limit: 10 }), [])
      assert.deepEqual(await approvals.grants(sessionId), [])
    },
  },
  {
    rule: null,
    name: "a wait is found by its id only in its own session, with any text in the id",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, waits } = session
      const other = await startAskingSession(log)
      const [wait] = waits
      assert.equal((await approvals.wait(sessionId, { waitId: wait.waitId }))?.nonce, wait.nonce)
      assert.equal(await approvals.wait(other.sessionId, { waitId: wait.waitId }), null)
      const forged = [
        "",
        "%",
        "approval:",
        `approval:${wait.toolCallId}`,
        `timer:${wait.toolCallId}`,
        `${wait.waitId}\u0000`,
        "\ud800",
        "x".repeat(100_000),
      ]
      for (const waitId of forged) {
        assert.equal(await approvals.wait(sessionId, { waitId }), null)
        const command = createApproval(sessionId, { ...wait, waitId })
        assert.deepEqual(await putAnswer(log, command), { status: "unknown" })
      }
      // The id of a wait that an older version opened is not that of any other wait.
      const named = createWait(session.runId, { waitId: `approval:${wait.toolCallId}` })
      await commitOk(log, createOpening(session, [named], 2))
      const found = await approvals.wait(sessionId, { waitId: named.waitId })
      assert.equal(found?.nonce, named.nonce)
    },
  },
]
