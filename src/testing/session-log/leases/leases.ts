import assert from "node:assert/strict"
import { logVersion } from "../../../core/log/entries.ts"
import { computeFirstSequence } from "../../../core/log/sequence.ts"
import type { Lease, SessionLog } from "../../../core/ports/store/session-log.ts"
import {
  cancel,
  claimSession,
  commitBatch,
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  createTextDelta,
  openSession,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
} from "../fixtures.ts"
import { createApproval, putAnswer, startAskingSession } from "../waits/wait-fixtures.ts"

export const leaseCases: readonly SessionLogCase[] = [
  {
    rule: 3,
    name: "every claim raises the epoch, so later numbers are greater than any before",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      let last = 0
      for (let claims = 0; claims < 3; claims += 1) {
        const lease = await claimSession(log, sessionId)
        assert.ok(computeFirstSequence(lease.epoch) > last)
        last = computeFirstSequence(lease.epoch + 1) - 1
        assert.equal(await log.release(lease), "released")
      }
    },
  },
  {
    rule: 7,
    name: "nothing is stored, read from the inbox or released after the lease is lost",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      requireAcceptedPut(await log.put(cancel(sessionId)))
      assert.equal(await log.release(lease, { force: true }), "released")
      const current = await claimSession(log, sessionId)
      const [command] = await log.pending(current)
      const late = {
        lease,
        entries: [createEvent(toSeq(lease, 1), runId, runFailed)],
        commandsConsumed: command === undefined ? [] : [command.id],
        runEnded: { runId, state: "failed" as const },
      }
      assert.deepEqual(await log.commit([late]), ["fenced"])
      assert.deepEqual(await log.commit([{ lease, entries: [], progress: true }]), ["fenced"])
      assert.deepEqual(await log.commit([{ lease, entries: [createTextDelta(1, runId, "a")] }]), ["fenced"])
      assert.deepEqual(await log.pending(lease), [])
      assert.equal(await log.release(lease), "lost")
      assert.equal(await log.release(lease, { force: true }), "lost")
      assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 10 }), [])
      assert.equal((await log.run(sessionId, runId))?.state, "open")
      assert.equal((await log.pending(current)).length, 1)
      assert.equal(await log.release(current, { force: true }), "released")
    },
  },
  {
    rule: 7,
    name: "a session that this process holds is not claimed again",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId } = await startSession(log, { agent })
      assert.equal(await log.claim(sessionId, [agent]), null)
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
    },
  },
  {
    rule: 7,
    name: "of concurrent claims, exactly one wins",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const leases = await Promise.all(Array.from({ length: 8 }, () => log.claim(sessionId, [agent])))
      assert.equal(leases.filter((lease) => lease !== null).length, 1)
    },
  },
  {
    rule: 9,
    name: "a session that does not exist is not claimed",
    async run({ open }) {
      const { log } = await open()
      assert.equal(await log.claim("sess_nobody", [createAgentName()]), null)
    },
  },
  {
    rule: 9,
    name: "a claim for other agents returns nothing and changes nothing",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, agent, lease } = await startSession(log)
      assert.equal(await log.release(lease, { parkUntil: Date.now() + 600_000 }), "released")
      assert.equal(await log.claim(sessionId, [createAgentName(), createAgentName()]), null)
      assert.equal(await log.claim(sessionId, []), null)
      // It is still parked, and free for processes that serve it.
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
      requireAcceptedPut(await log.put(cancel(sessionId)))
      const taken = await log.claim(sessionId, [createAgentName(), agent])
      assert.deepEqual(taken, { ...lease, epoch: lease.epoch + 1 })
    },
  },
  {
    rule: 9,
    name: "sessions with work are claimed, of the agents named and up to the limit",
    async run({ open }) {
      const { log } = await open()
      const [mine, other] = [createAgentName(), createAgentName()]
      await openSession(log, { agent: mine })
      const waiting = await Promise.all(Array.from({ length: 3 }, () => openSession(log, { agent: mine })))
      const elsewhere = await openSession(log, { agent: other })
      for (const id of [...waiting, elsewhere]) requireAcceptedPut(await log.put(createMessage(id)))
      assert.deepEqual(await log.claimRunnable([], 10), [])
      assert.deepEqual(await log.claimRunnable([createAgentName()], 10), [])
      const first = await log.claimRunnable([mine], 2)
      assert.equal(first.length, 2)
      const rest = await log.claimRunnable([mine], 2)
      assert.deepEqual(sessionsOf([...first, ...rest]), waiting.toSorted())
      assert.deepEqual(sessionsOf(await log.claimRunnable([mine, other], 10)), [elsewhere])
      for (const lease of first) assert.equal((await log.pending(lease)).length, 1)
    },
  },
  {
    rule: 9,
    name: "a session whose open run has no command left still has work",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId, runId, lease } = await startSession(log, { agent })
      assert.equal(await log.release(lease), "released")
      const [again] = await log.claimRunnable([agent], 10)
      assert.equal(again?.sessionId, sessionId)
      await endRun(log, again, runId)
      assert.equal(await log.release(again), "released")
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
    },
  },
  {
    rule: 9,
    name: "release is refused while a command is unconsumed, unless forced",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      requireAcceptedPut(await log.put(createMessage(sessionId)))
      const lease = await claimSession(log, sessionId)
      assert.equal(await log.release(lease), "pending")
      assert.equal((await log.pending(lease)).length, 1)
      assert.equal(await log.release(lease, { force: true }), "released")
      assert.deepEqual(sessionsOf(await log.claimRunnable([agent], 10)), [sessionId])
    },
  },
  {
    rule: 9,
    name: "a command that is put while the session is being released is never lost",
    async run({ open }) {
      const { log } = await open()
      for (let round = 0; round < 20; round += 1) {
        const agent = createAgentName()
        const sessionId = await openSession(log, { agent })
        const lease = await claimSession(log, sessionId)
        const [released, put] = await Promise.all([log.release(lease), log.put(createMessage(sessionId))])
        requireAcceptedPut(put)
        const found = released === "released" ? await log.claimRunnable([agent], 1) : [lease]
        assert.equal(found.length, 1)
        assert.equal((await log.pending(found[0] ?? lease)).length, 1)
      }
    },
  },
  {
    rule: 9,
    name: "a process can ask for its leases, in case the reply to a claim or a release was lost",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const ids = await Promise.all(Array.from({ length: 3 }, () => openSession(log, { agent })))
      const [put = "", found = "", claimedAlone = ""] = ids
      const { lease: atPut } = await log.putAndClaim(createMessage(put), [agent])
      requireAcceptedPut(await log.put(createMessage(found)))
      const [atSweep] = await log.claimRunnable([agent], 1)
      const alone = await log.claim(claimedAlone, [agent])
      const held = async () =>
        (await log.held())
          .filter(({ sessionId }) => ids.includes(sessionId))
          .toSorted((left, right) => ids.indexOf(left.sessionId) - ids.indexOf(right.sessionId))
      assert.deepEqual(await held(), [atPut, atSweep, alone])
      assert.ok(atSweep)
      assert.equal(await log.release(atSweep, { force: true }), "released")
      assert.deepEqual(await held(), [atPut, alone])
    },
  },
  {
    rule: 8,
    name: "a process that has just opened the store is live",
    async run({ open }) {
      const { log } = await open()
      assert.equal(log.liveness.isLive(), true)
    },
  },
  {
    rule: 10,
    name: "a released lease does not count as a takeover",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, lease } = await startSession(log)
      assert.equal(lease.takeovers, 0)
      await log.release(lease, { force: true })
      assert.equal((await claimSession(log, sessionId)).takeovers, 0)
    },
  },
  {
    rule: 12,
    name: "a cancel before the end of its run allows the run no other end",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      requireAcceptedPut(await log.put(cancel(sessionId)))
      const end = {
        lease,
        entries: [
          createTextDelta(toSeq(lease, 1), runId, "a"),
          createEvent(toSeq(lease, 2), runId, runFailed),
        ],
        runEnded: { runId, state: "completed" as const },
      }
      assert.deepEqual(await log.commit([end]), ["cancelled"])
      assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 10 }), [])
      assert.equal((await log.session(sessionId))?.activeRun?.id, runId)
      const commandsConsumed = (await log.pending(lease)).map(({ id }) => id)
      assert.equal(commandsConsumed.length, 1)
      const interrupted = { ...end, commandsConsumed, runEnded: { runId, state: "interrupted" as const } }
      assert.deepEqual(await log.commit([interrupted]), ["ok"])
      assert.equal((await log.run(sessionId, runId))?.state, "interrupted")
      assert.equal((await log.session(sessionId))?.activeRun, null)
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: 12,
    name: "a refused end does not affect other sessions, and other entries are not refused",
    async run({ open }) {
      const { log } = await open()
      const [ending, going] = [await startSession(log), await startSession(log)]
      for (const { sessionId } of [ending, going]) requireAcceptedPut(await log.put(cancel(sessionId)))
      const outcomes = await log.commit([
        {
          lease: ending.lease,
          entries: [createEvent(toSeq(ending.lease, 1), ending.runId, runFailed)],
          runEnded: { runId: ending.runId, state: "failed" },
        },
        { lease: going.lease, entries: [createEvent(toSeq(going.lease, 1), going.runId, stepStarted)] },
      ])
      assert.deepEqual(outcomes, ["cancelled", "ok"])
      assert.equal((await log.read(going.sessionId, { afterSeq: 0, limit: 10 })).length, 1)
    },
  },
  {
    rule: 12,
    name: "there is nothing to cancel after the end of the run",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      await endRun(log, lease, runId)
      assert.deepEqual(await log.put(cancel(sessionId)), { status: "unknown" })
      assert.deepEqual(await log.put(cancel(sessionId, runId)), { status: "unknown" })
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: 12,
    name: "when a cancel and the end race, either the cancel is accepted or the run has ended",
    async run({ open }) {
      const { log } = await open()
      await raceCancelAgainstEnd(log, log)
    },
  },
  {
    rule: 14,
    name: "a session with events of a newer version is not claimed, and all other methods reject with one error",
    async run({ open }) {
      const { log, approvals } = await open()
      const agent = createAgentName()
      const { sessionId, runId, lease, waits } = await startAskingSession(log, [{}], { agent })
      for (const [index, v] of [logVersion + 1, logVersion].entries()) {
        await commitOk(log, {
          lease,
          entries: [createEvent(toSeq(lease, index + 2), runId, stepStarted, { v })],
        })
      }
      assert.equal(await log.release(lease), "released")
      assert.equal(await log.claim(sessionId, [agent]), null)
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
      const [readable] = await log.read(sessionId, { afterSeq: 0, limit: 1 })
      assert.ok(readable?.kind === "event" && readable.seq === toSeq(lease, 1))
      const refused = [
        () => log.session(sessionId),
        () => log.read(sessionId, { afterSeq: readable.seq, limit: 10 }),
        () => log.put(createMessage(sessionId)),
        () => log.putAndClaim(createMessage(sessionId), [agent]),
        () => log.put(cancel(sessionId)),
        () => putAnswer(log, createApproval(sessionId, waits[0])),
        () => log.revokeSession(sessionId, 5_000),
        () => approvals.wait(sessionId, waits[0]),
      ]
      for (const call of refused) await assert.rejects(call, { code: "log_too_new", status: 503 })
      assert.deepEqual(await approvals.openWaits({ sessionId, now: 5_000, limit: 10 }), [])
    },
  },
]

/** Ends runs through `writer` while `outside` cancels them. Both may be the same store. */
export async function raceCancelAgainstEnd(writer: SessionLog, outside: SessionLog): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const { sessionId, runId, lease } = await startSession(writer)
    const end = {
      lease,
      entries: [createEvent(toSeq(lease, 1), runId, runFailed)],
      runEnded: { runId, state: "failed" as const },
    }
    // Both orders are tried, because a store may serve them in the order of the requests.
    const early = round % 2 === 0 ? outside.put(cancel(sessionId)) : null
    const ending = commitBatch(writer, end)
    const [cancelled, outcome] = await Promise.all([early ?? outside.put(cancel(sessionId)), ending])
    assert.equal(outcome, cancelled.status === "accepted" ? "cancelled" : "ok")
    assert.ok(cancelled.status === "accepted" || cancelled.status === "unknown")
    const state = (await writer.run(sessionId, runId))?.state
    assert.equal(state, cancelled.status === "accepted" ? "open" : "failed")
  }
}

async function endRun(log: SessionLog, lease: Lease, runId: string): Promise<void> {
  await commitOk(log, {
    lease,
    entries: [createEvent(toSeq(lease, 1), runId, runFailed)],
    runEnded: { runId, state: "failed" },
  })
}

function sessionsOf(leases: readonly Lease[]): string[] {
  return leases.map(({ sessionId }) => sessionId).toSorted()
}
