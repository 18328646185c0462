import assert from "node:assert/strict"
import {
  cancel,
  claimSession,
  createAgentName,
  readNext,
  requireAcceptedPut,
  type SessionLogCase,
  tryClaim,
  waitFor,
} from "../fixtures.ts"
import { raceAnswerAgainstExpiry } from "./closing.ts"
import { createApproval, decider, putAnswer, startAskingSession } from "./wait-fixtures.ts"

export const sharedWaitCases: readonly SessionLogCase[] = [
  {
    rule: 1,
    name: "waits, answers, grants, the audit trail and a revocation survive the process",
    async run({ open, crash }) {
      const first = await open()
      const { sessionId, waits } = await startAskingSession(first.log, [{}, {}])
      const [answered, other] = waits
      assert.ok(other)
      const command = createApproval(sessionId, answered, { grant: true })
      assert.equal((await putAnswer(first.log, command)).status, "accepted")
      await first.log.revokeSession(sessionId, 7_000)
      await crash(first)
      const { log, approvals } = await open()
      assert.equal((await log.session(sessionId))?.revokedAt, 7_000)
      const [listed, ...others] = await approvals.openWaits({ sessionId, now: 5_000, limit: 10 })
      assert.deepEqual([listed?.toolCallId, others], [other.toolCallId, []])
      const grant = { toolName: "send_mail", qualifier: null, origin: null, grantedBy: decider, at: 5_000 }
      assert.deepEqual(await approvals.grants(sessionId), [{ sessionId, ...grant }])
      assert.equal((await approvals.audit({ sessionId, limit: 10 })).length, 2)
      assert.deepEqual(await putAnswer(log, command), { status: "answered" })
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, other)), { status: "expired" })
      const lease = await waitFor("the lease", () => tryClaim(log, sessionId))
      assert.deepEqual(
        (await log.pending(lease)).map(({ type }) => type),
        ["answer", "cancel"],
      )
    },
  },
  {
    rule: null,
    name: "of concurrent answers by two processes, exactly one is accepted",
    async run({ open }) {
      const [first, second] = [(await open()).log, (await open()).log]
      for (let round = 0; round < 10; round += 1) {
        const { sessionId, waits } = await startAskingSession(first)
        const outcomes = await Promise.all(
          [first, second].map((log) => putAnswer(log, createApproval(sessionId, waits[0]))),
        )
        assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ["accepted", "answered"])
      }
    },
  },
  {
    rule: null,
    name: "when an answer by another process and the expiry race, exactly one takes effect",
    async run({ open }) {
      await raceAnswerAgainstExpiry((await open()).log, (await open()).log)
    },
  },
  {
    rule: 9,
    name: "a parked run stays parked after a restart, and any process takes it once it is answered",
    async run({ open, crash }) {
      const first = await open()
      const agent = createAgentName()
      const { sessionId, lease, waits } = await startAskingSession(first.log, [{}], { agent })
      assert.equal(await first.log.release(lease, { parkUntil: Number.MAX_SAFE_INTEGER }), "released")
      await crash(first)
      const [outside, worker] = [(await open()).log, (await open()).log]
      assert.deepEqual(await worker.claimRunnable([agent], 10), [])
      const stop = new AbortController()
      const arrivals = worker.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      const next = readNext(arrivals, "an arrival")
      assert.equal((await putAnswer(outside, createApproval(sessionId, waits[0]))).status, "accepted")
      for (let found = await next; found.value !== sessionId; ) found = await readNext(arrivals, "an arrival")
      stop.abort()
      const [taken] = await worker.claimRunnable([agent], 10)
      assert.equal(taken?.sessionId, sessionId)
      assert.equal(taken?.takeovers, 0)
    },
  },
  {
    rule: 9,
    name: "a process that dies with a claimed run leaves the run unparked",
    async run({ open, crash }) {
      const first = await open()
      const agent = createAgentName()
      const { sessionId, lease } = await startAskingSession(first.log, [{}], { agent })
      await first.log.release(lease, { parkUntil: Number.MAX_SAFE_INTEGER })
      requireAcceptedPut(await first.log.put(cancel(sessionId)))
      await claimSession(first.log, sessionId)
      await crash(first)
      const { log } = await open()
      const [taken] = await waitFor("the run", async () => {
        const found = await log.claimRunnable([agent], 10)
        return found.length === 0 ? null : found
      })
      assert.equal(taken?.takeovers, 1)
    },
  },
  {
    rule: null,
    name: "a key that one process creates signs in all processes, and a key that it removes is refused by all",
    async run({ open }) {
      const [first, second] = [(await open()).keyring, (await open()).keyring]
      const former = await second.signingKey()
      const key = await first.rotate()
      assert.deepEqual(await second.signingKey(), key)
      assert.equal(await first.remove(former.id), true)
      assert.equal(await second.key(former.id), null)
      const made = await Promise.all([first, second, first, second].map((keyring) => keyring.rotate()))
      assert.equal(new Set(made.map(({ id }) => id)).size, 4)
      assert.deepEqual(await first.signingKey(), await second.signingKey())
    },
  },
]
