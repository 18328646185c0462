import assert from "node:assert/strict"
import {
  claimSession,
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  openSession,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  toSeq,
} from "../fixtures.ts"

/** Cases about putting a message and claiming its session at once. */
export const acceptingCases: readonly SessionLogCase[] = [
  {
    rule: 7,
    name: "an accepted message of a session without an owner comes with its lease, and is pending with it",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const command = createMessage(sessionId)
      const { outcome, lease } = await log.putAndClaim(command, ["another", agent])
      assert.deepEqual(outcome, { status: "accepted", runId: command.runId, cursor: 0 })
      assert.equal(lease?.sessionId, sessionId)
      assert.equal(lease.takeovers, 0)
      const [pending, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      assert.deepEqual(pending, { ...command, id: pending?.id })
      await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), command.runId, runFailed)] })
      assert.equal(await log.claim(sessionId, [agent]), null)
      assert.equal(await log.release(lease, { force: true }), "released")
      assert.ok((await claimSession(log, sessionId)).epoch > lease.epoch)
    },
  },
  {
    rule: 9,
    name: "a claim with a message returns what later reads would return",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId: used, ...run } = await startSession(log, { agent })
      await commitOk(log, {
        lease: run.lease,
        entries: [createEvent(toSeq(run.lease, 1), run.runId, runFailed)],
        runEnded: { runId: run.runId, state: "failed" },
      })
      await log.release(run.lease)
      const queuing = await openSession(log, { agent })
      requireAcceptedPut(await log.put(createMessage(queuing, { notBefore: Number.MAX_SAFE_INTEGER })))
      for (const sessionId of [await openSession(log, { agent }), used, queuing]) {
        const { lease, found } = await log.putAndClaim(createMessage(sessionId, { whenBusy: "queue" }), [
          agent,
        ])
        assert.ok(lease)
        // A store may let the lease holder read the session later.
        if (found === undefined) continue
        assert.deepEqual(found.session, await log.session(sessionId))
        assert.deepEqual(found.commands, await log.pending(lease))
      }
    },
  },
  {
    rule: 9,
    name: "a message of an agent that this process does not serve is accepted without a lease",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const { outcome, lease } = await log.putAndClaim(createMessage(sessionId), ["another"])
      requireAcceptedPut(outcome)
      assert.equal(lease, null)
      assert.equal((await log.claim(sessionId, [agent]))?.sessionId, sessionId)
    },
  },
  {
    rule: 1,
    name: "a message that is not accepted claims nothing",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const unknown = await log.putAndClaim(createMessage("sess_nobody"), [agent])
      assert.deepEqual(unknown, { outcome: { status: "unknown" }, lease: null })
      const idempotency = { key: "once", bodyHash: "hash" }
      const first = requireAcceptedPut(await log.put(createMessage(sessionId, { idempotency })))
      const again = await log.putAndClaim(createMessage(sessionId, { idempotency }), [agent])
      assert.deepEqual(again, { outcome: { ...first, status: "duplicate" }, lease: null })
      const busy = await log.putAndClaim(createMessage(sessionId), [agent])
      assert.deepEqual(busy, { outcome: { status: "busy", runId: first.runId }, lease: null })
      assert.equal((await log.claim(sessionId, [agent]))?.sessionId, sessionId)
    },
  },
]

/** The same cases with other processes on the same data. */
export const sharedAcceptingCases: readonly SessionLogCase[] = [
  {
    rule: 7,
    name: "a message of a session that a process holds comes without a lease, and is left to that process",
    async run({ open }) {
      const [{ log }, other] = [await open(), await open()]
      const agent = createAgentName()
      const { sessionId, runId, lease } = await startSession(log, { agent })
      const runEnded = { runId, state: "failed" as const }
      await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), runId, runFailed)], runEnded })
      const next = await other.log.putAndClaim(createMessage(sessionId), [agent])
      const accepting = requireAcceptedPut(next.outcome)
      assert.equal(next.lease, null)
      assert.deepEqual(
        (await log.pending(lease)).map((command) => command.runId),
        [accepting.runId],
      )
    },
  },
  {
    rule: 1,
    name: "of concurrent messages to one session, one is accepted, with the only lease",
    async run({ open }) {
      const logs = [(await open()).log, (await open()).log]
      const agent = createAgentName()
      const [first] = logs
      assert.ok(first)
      const sessionId = await openSession(first, { agent })
      const results = await Promise.all(
        [...logs, ...logs].map((log) => log.putAndClaim(createMessage(sessionId), [agent])),
      )
      const statuses = results.map(({ outcome }) => outcome.status)
      assert.deepEqual(statuses.toSorted(), ["accepted", "busy", "busy", "busy"])
      const leased = results.filter(({ lease }) => lease !== null)
      assert.deepEqual(
        leased.map(({ outcome }) => outcome.status),
        ["accepted"],
      )
    },
  },
]
