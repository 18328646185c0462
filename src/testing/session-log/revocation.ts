import assert from "node:assert/strict"
import {
  cancel,
  commitOk,
  createAgentName,
  createMessage,
  openSession,
  readNext,
  type SessionLogCase,
  startSession,
} from "./fixtures.ts"

export const revocationCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "revoking a session cancels its open run, and repeating it changes nothing",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      assert.equal((await log.session(sessionId))?.revokedAt, null)
      assert.equal(await log.revokeSession(sessionId, 7_000), true)
      assert.equal((await log.session(sessionId))?.revokedAt, 7_000)
      const [command, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      assert.deepEqual(command, { ...cancel(sessionId, runId), at: 7_000, id: command?.id })
      await commitOk(log, { lease, entries: [], commandsConsumed: [command?.id ?? 0] })
      assert.equal(await log.revokeSession(sessionId, 8_000), true)
      assert.equal((await log.session(sessionId))?.revokedAt, 7_000)
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: null,
    name: "a revoked session accepts no message, as a token may have been checked before",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      for (const whenBusy of ["reject", "queue", "interrupt", "steer"] as const) {
        const idle = await openSession(log, { agent })
        const { sessionId: busy } = await startSession(log)
        for (const sessionId of [idle, busy]) {
          assert.equal(await log.revokeSession(sessionId, 7_000), true)
          const message = () => createMessage(sessionId, { whenBusy })
          assert.deepEqual(await log.put(message()), { status: "revoked" })
          const claimed = await log.putAndClaim(message(), [agent])
          assert.deepEqual([claimed.outcome, claimed.lease], [{ status: "revoked" }, null])
          assert.deepEqual(await log.queuedRuns(sessionId), [])
        }
      }
    },
  },
  {
    rule: null,
    name: "revoking notifies the process that works on the run, and works without a run",
    async run({ open }) {
      const { log } = await open()
      const idle = await openSession(log)
      const { sessionId } = await startSession(log)
      const stop = new AbortController()
      const arrivals = log.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      const next = readNext(arrivals, "an arrival")
      assert.equal(await log.revokeSession(idle, 7_000), true)
      assert.equal((await log.session(idle))?.revokedAt, 7_000)
      assert.equal(await log.revokeSession(sessionId, 7_000), true)
      for (let found = await next; found.value !== sessionId; ) found = await readNext(arrivals, "an arrival")
      stop.abort()
    },
  },
  {
    rule: null,
    name: "a session that does not exist cannot be revoked, with any id",
    async run({ open }) {
      const { log } = await open()
      for (const id of ["sess_nobody", "", "\u0000", "\ud800"]) {
        assert.equal(await log.revokeSession(id, 7_000), false)
      }
    },
  },
]
