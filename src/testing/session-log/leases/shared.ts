import assert from "node:assert/strict"
import type { Lease, SessionLog } from "../../../core/ports/store/session-log.ts"
import {
  cancel,
  claimSession,
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  createTextDelta,
  openSession,
  readNext,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
  tryClaim,
  waitFor,
} from "../fixtures.ts"
import { raceCancelAgainstEnd } from "./leases.ts"

export const sharedCases: readonly SessionLogCase[] = [
  {
    rule: 1,
    name: "accepted messages survive the process that accepted them",
    async run({ open, crash }) {
      const first = await open()
      const sessionId = await openSession(first.log)
      const command = createMessage(sessionId)
      requireAcceptedPut(await first.log.put(command))
      await crash(first)
      const { log } = await open()
      const [pending] = await log.pending(await claimSession(log, sessionId))
      assert.deepEqual(pending, { ...command, id: pending?.id })
    },
  },
  {
    rule: null,
    name: "of concurrent messages by two processes, exactly one is accepted",
    async run({ open }) {
      const logs = [(await open()).log, (await open()).log]
      for (let round = 0; round < 10; round += 1) {
        const sessionId = await openSession(await one(logs))
        const idempotency = round % 2 === 0 ? null : { key: "key", bodyHash: "hash" }
        const outcomes = await Promise.all(
          logs.map((log) => log.put(createMessage(sessionId, { idempotency }))),
        )
        const statuses = outcomes.map(({ status }) => status).toSorted()
        assert.deepEqual(statuses, ["accepted", idempotency === null ? "busy" : "duplicate"])
      }
    },
  },
  {
    rule: 3,
    name: "numbers continue above all used ones after a crash",
    async run({ open, crash }) {
      const first = await open()
      const { sessionId, runId, lease } = await startSession(first.log)
      await commitOk(first.log, { lease, entries: [createTextDelta(toSeq(lease, 999_999_999), runId, "x")] })
      await crash(first)
      const next = await taken((await open()).log, sessionId)
      assert.ok(toSeq(next, 1) > toSeq(lease, 999_999_999))
    },
  },
  {
    rule: 7,
    name: "the former process commits nothing more after another process has the lease",
    async run({ open }) {
      const [first, second] = [await open(), await open()]
      const { sessionId, runId, lease } = await startSession(first.log)
      await first.log.release(lease, { force: true })
      const current = await claimSession(second.log, sessionId)
      const late = [createEvent(toSeq(lease, 1), runId, stepStarted)]
      assert.deepEqual(await first.log.commit([{ lease, entries: late }]), ["fenced"])
      // The number of the new lease is refused too, because another process holds it.
      assert.deepEqual(await first.log.commit([{ lease: current, entries: late }]), ["fenced"])
      assert.deepEqual(await first.log.pending(current), [])
      assert.equal(await first.log.release(current, { force: true }), "lost")
      await commitOk(second.log, {
        lease: current,
        entries: [createEvent(toSeq(current, 1), runId, stepStarted)],
      })
    },
  },
  {
    rule: 8,
    name: "a lease lasts while its process lives, and is free once the process has ended",
    async run({ open, crash }) {
      const [first, second] = [await open(), await open()]
      const agent = createAgentName()
      const { sessionId } = await startSession(first.log, { agent })
      assert.equal(await second.log.claim(sessionId, [agent]), null)
      assert.deepEqual(await second.log.claimRunnable([agent], 10), [])
      await first.log.ping()
      await crash(first)
      const [lease] = await waitFor("the crashed process's session", async () => {
        const leases = await second.log.claimRunnable([agent], 10)
        return leases.length === 0 ? null : leases
      })
      assert.equal(lease?.sessionId, sessionId)
    },
  },
  {
    rule: 8,
    name: "the end of one process does not affect the others' leases",
    async run({ open, crash }) {
      const [first, second, third] = [await open(), await open(), await open()]
      const { sessionId: crashed } = await startSession(first.log)
      const { sessionId: kept, agent, runId, lease } = await startSession(second.log)
      await crash(first)
      await taken(third.log, crashed)
      assert.equal(await third.log.claim(kept, [agent]), null)
      await commitOk(second.log, { lease, entries: [createEvent(toSeq(lease, 1), runId, stepStarted)] })
    },
  },
  {
    rule: 9,
    name: "sessions of a crashed process are not taken over for another agent, nor counted as taken over",
    async run({ open, crash }) {
      const [first, { log }] = [await open(), await open()]
      const [seen, left] = [await startSession(first.log), await startSession(first.log)]
      await crash(first)
      await taken(log, seen.sessionId)
      assert.equal(await log.claim(left.sessionId, [seen.agent]), null)
      const lease = await claimSession(log, left.sessionId)
      assert.deepEqual([lease.epoch, lease.takeovers], [left.lease.epoch + 1, 1])
    },
  },
  {
    rule: 9,
    name: "a restarted process finds all data of the former one",
    async run({ open, crash }) {
      const first = await open()
      const agent = createAgentName()
      const left = await Promise.all(Array.from({ length: 5 }, () => startSession(first.log, { agent })))
      const waiting = await openSession(first.log, { agent })
      requireAcceptedPut(await first.log.put(createMessage(waiting)))
      await crash(first)
      const { log } = await open()
      const found = new Set<string>()
      await waitFor("all sessions", async () => {
        for (const { sessionId } of await log.claimRunnable([agent], 10)) found.add(sessionId)
        return found.size === 6 ? found : null
      })
      assert.deepEqual([...found].toSorted(), [...left.map(({ sessionId }) => sessionId), waiting].toSorted())
    },
  },
  {
    rule: 9,
    name: "sessions of other processes are not among the leases of this one",
    async run({ open, crash }) {
      const [first, second] = [await open(), await open()]
      const { sessionId } = await startSession(first.log)
      const holds = async (log: SessionLog) =>
        (await log.held()).some((lease) => lease.sessionId === sessionId)
      assert.deepEqual([await holds(first.log), await holds(second.log)], [true, false])
      await crash(first)
      await taken(second.log, sessionId)
      assert.equal(await holds(second.log), true)
    },
  },
  {
    rule: 9,
    name: "of two processes that claim concurrently, exactly one wins",
    async run({ open, crash }) {
      const crashing = await open()
      const logs = [(await open()).log, (await open()).log]
      const agent = createAgentName()
      const left = await Promise.all(Array.from({ length: 10 }, () => startSession(crashing.log, { agent })))
      const free = await Promise.all(Array.from({ length: 10 }, () => openSession(crashing.log, { agent })))
      const claims = (sessionId: string) => Promise.all(logs.map((log) => log.claim(sessionId, [agent])))
      await crash(crashing)
      for (const sessionId of [...left.map((session) => session.sessionId), ...free]) {
        const leases = await waitFor("a winner", async () => {
          const won = (await claims(sessionId)).filter((lease) => lease !== null)
          return won.length === 0 ? null : won
        })
        assert.equal(leases.length, 1)
        assert.deepEqual(await claims(sessionId), [null, null])
      }
    },
  },
  {
    rule: 9,
    name: "processes that look for work concurrently share it without overlap",
    async run({ open }) {
      const logs = [(await open()).log, (await open()).log]
      const agent = createAgentName()
      const log = await one(logs)
      const waiting = await Promise.all(Array.from({ length: 20 }, () => openSession(log, { agent })))
      for (const sessionId of waiting) requireAcceptedPut(await log.put(createMessage(sessionId)))
      const found: string[] = []
      await waitFor("all work", async () => {
        const leases = await Promise.all(logs.map((each) => each.claimRunnable([agent], 3)))
        found.push(...leases.flat().map(({ sessionId }) => sessionId))
        return found.length >= waiting.length ? found : null
      })
      assert.deepEqual(found.toSorted(), waiting.toSorted())
    },
  },
  {
    rule: 10,
    name: "takeovers after crashes are counted until a step is durable",
    async run({ open, crash }) {
      let store = await open()
      const { sessionId, runId } = await startSession(store.log)
      const crashed = async (): Promise<Lease> => {
        await crash(store)
        store = await open()
        return taken(store.log, sessionId)
      }
      assert.equal((await crashed()).takeovers, 1)
      assert.equal((await crashed()).takeovers, 2)
      const third = await crashed()
      assert.equal(third.takeovers, 3)
      await commitOk(store.log, { lease: third, entries: [createTextDelta(toSeq(third, 1), runId, "x")] })
      await store.log.release(third, { force: true })
      const handed = await claimSession(store.log, sessionId)
      assert.equal(handed.takeovers, 3)
      await commitOk(store.log, {
        lease: handed,
        entries: [createEvent(toSeq(handed, 1), runId, stepStarted)],
        progress: true,
      })
      assert.equal((await crashed()).takeovers, 1)
    },
  },
  {
    rule: 10,
    name: "a crash while no run is open is not counted",
    async run({ open, crash }) {
      const first = await open()
      const { sessionId, runId, lease } = await startSession(first.log)
      await commitOk(first.log, {
        lease,
        entries: [createEvent(toSeq(lease, 1), runId, runFailed)],
        runEnded: { runId, state: "failed" },
      })
      await crash(first)
      assert.equal((await taken((await open()).log, sessionId)).takeovers, 0)
    },
  },
  {
    rule: 12,
    name: "a cancel by another process takes precedence over an end that is not committed yet",
    async run({ open }) {
      const [writer, outside] = [(await open()).log, (await open()).log]
      const { sessionId, runId, lease } = await startSession(writer)
      requireAcceptedPut(await outside.put(cancel(sessionId)))
      const end = {
        lease,
        entries: [createEvent(toSeq(lease, 1), runId, runFailed)],
        runEnded: { runId, state: "failed" as const },
      }
      assert.deepEqual(await writer.commit([end]), ["cancelled"])
      assert.equal((await writer.pending(lease))[0]?.type, "cancel")
    },
  },
  {
    rule: 12,
    name: "when a cancel by another process and the end race, exactly one takes effect",
    async run({ open }) {
      await raceCancelAgainstEnd((await open()).log, (await open()).log)
    },
  },
  {
    rule: null,
    name: "a watcher is notified of another process's writes",
    async run({ open }) {
      const [writer, viewer] = [(await open()).log, (await open()).log]
      const { sessionId, runId, lease } = await startSession(writer)
      const stop = new AbortController()
      const watcher = viewer.watch(sessionId, { signal: stop.signal })[Symbol.asyncIterator]()
      let last = 0
      for (let n = 1; n <= 5; n += 1) {
        await commitOk(writer, { lease, entries: [createTextDelta(toSeq(lease, n), runId, "x")] })
        while (last < toSeq(lease, n)) {
          assert.equal((await readNext(watcher, `entry ${n}`)).done, false)
          last = (await viewer.read(sessionId, { afterSeq: last, limit: 10 })).at(-1)?.seq ?? last
        }
      }
      stop.abort()
      assert.equal((await readNext(watcher, "the end")).done, true)
    },
  },
  {
    rule: null,
    name: "a command put by another process arrives",
    async run({ open }) {
      const [outside, worker] = [(await open()).log, (await open()).log]
      const sessionId = await openSession(outside)
      const stop = new AbortController()
      const arrivals = worker.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      const first = readNext(arrivals, "an arrival")
      requireAcceptedPut(await outside.put(createMessage(sessionId)))
      for (let next = await first; next.value !== sessionId; ) next = await readNext(arrivals, "an arrival")
      stop.abort()
    },
  },
  {
    rule: null,
    name: "all processes sign with the same key, including those that start later",
    async run({ open }) {
      const stores = await Promise.all([open(), open(), open()])
      const keys = await Promise.all(stores.map(({ keyring }) => keyring.signingKey()))
      for (const key of keys) assert.deepEqual(key, keys[0])
      const later = await open()
      assert.deepEqual(await later.keyring.key(keys[0]?.id ?? ""), keys[0])
      assert.deepEqual(await later.keyring.signingKey(), keys[0])
    },
  },
]

/** Takes over the session of an ended process, as soon as the store knows about the end. */
function taken(log: SessionLog, sessionId: string): Promise<Lease> {
  return waitFor(`the lease of ${sessionId}`, () => tryClaim(log, sessionId))
}

async function one(logs: readonly SessionLog[]): Promise<SessionLog> {
  const [log] = logs
  assert.ok(log)
  return log
}
