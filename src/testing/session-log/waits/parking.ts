import assert from "node:assert/strict"
import type { Lease } from "../../../core/ports/store/session-log.ts"
import {
  cancel,
  claimSession,
  createAgentName,
  createMessage,
  openSession,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
  waitFor,
} from "../fixtures.ts"
import { createApproval, putAnswer, startAskingSession } from "./wait-fixtures.ts"

const never = Number.MAX_SAFE_INTEGER

export const parkingCases: readonly SessionLogCase[] = [
  {
    rule: 9,
    name: "a parked run has no work until a command arrives",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const answered = await startAskingSession(log, [{}], { agent })
      const cancelled = await startSession(log, { agent })
      for (const { lease } of [answered, cancelled]) {
        assert.equal(await log.release(lease, { parkUntil: never }), "released")
      }
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
      assert.equal(
        (await putAnswer(log, createApproval(answered.sessionId, answered.waits[0]))).status,
        "accepted",
      )
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [answered.sessionId])
      requireAcceptedPut(await log.put(cancel(cancelled.sessionId)))
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [cancelled.sessionId])
    },
  },
  {
    rule: 9,
    name: "a parked run has work again when its time has come, and not before",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId, lease } = await startSession(log, { agent })
      const parkUntil = Date.now() + 200
      assert.equal(await log.release(lease, { parkUntil }), "released")
      const leases = await waitFor("the parked run", async () => {
        const found = await log.claimRunnable([agent], 10)
        return found.length === 0 ? null : found
      })
      assert.ok(Date.now() >= parkUntil)
      assert.deepEqual(sessionsOf(leases), [sessionId])
    },
  },
  {
    rule: 9,
    name: "a past time does not park a run",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId, lease } = await startSession(log, { agent })
      assert.equal(await log.release(lease, { parkUntil: 1 }), "released")
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [sessionId])
    },
  },
  {
    rule: 9,
    name: "a parked session can be claimed by its id once a command is due, which ends its parking",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId, lease } = await startSession(log, { agent })
      assert.equal(await log.release(lease, { parkUntil: never }), "released")
      assert.equal(await log.claim(sessionId, [agent]), null)
      requireAcceptedPut(await log.put(cancel(sessionId)))
      const again = await claimSession(log, sessionId)
      assert.equal(again.takeovers, 0)
      assert.equal(await log.release(again, { force: true }), "released")
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [sessionId])
    },
  },
  {
    rule: 9,
    name: "parking is refused while a command is unconsumed, and after forced parking that command is still work",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId, lease } = await startSession(log, { agent })
      requireAcceptedPut(await log.put(cancel(sessionId)))
      assert.equal(await log.release(lease, { parkUntil: never }), "pending")
      assert.equal((await log.pending(lease)).length, 1)
      assert.equal(await log.release(lease, { parkUntil: never, force: true }), "released")
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [sessionId])
      assert.equal(await log.release(lease, { parkUntil: never, force: true }), "lost")
    },
  },
  {
    rule: 9,
    name: "an answer that arrives while the session is being parked is never lost",
    async run({ open }) {
      const { log } = await open()
      for (let round = 0; round < 20; round += 1) {
        const agent = createAgentName()
        const { sessionId, lease, waits } = await startAskingSession(log, [{}], { agent })
        const answering = round % 2 === 0 ? putAnswer(log, createApproval(sessionId, waits[0])) : null
        const [released, answer] = await Promise.all([
          log.release(lease, { parkUntil: never }),
          answering ?? putAnswer(log, createApproval(sessionId, waits[0])),
        ])
        assert.equal(answer.status, "accepted")
        const found = released === "released" ? await log.claimRunnable([agent], 1) : [lease]
        assert.equal((await log.pending(found[0] ?? lease)).length, 1)
      }
    },
  },
  {
    rule: 9,
    name: "a session that was parked without an open run works like any other",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      assert.equal(await log.release(await claimSession(log, sessionId), { parkUntil: never }), "released")
      requireAcceptedPut(await log.put(createMessage(sessionId)))
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [sessionId])
    },
  },
]

function sessionsOf(leases: readonly Lease[]): string[] {
  return leases.map(({ sessionId }) => sessionId)
}
