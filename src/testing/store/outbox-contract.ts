import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { Outbox, OutboxItem, OutboxRow } from "../../core/ports/store/outbox.ts"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import {
  cancel,
  commitOk,
  createEvent,
  readNext,
  runFailed,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
  waitFor,
} from "../session-log/fixtures.ts"

/** Returns a new kind, so that cases do not affect each other in `claim`. */
function newKind(): string {
  return `kind_${randomIds.next("key")}`
}

const plenty = { limit: 100, maxBytes: 1_000_000, leaseMs: 60_000 }

interface Writer {
  readonly sessionId: string
  readonly runId: string
  readonly lease: Lease
}

async function writing(log: SessionLog, items: readonly OutboxItem[]): Promise<Writer> {
  const session = await startSession(log)
  await commitOk(log, batchOf(session, items))
  return session
}

function batchOf({ lease, runId }: Writer, outbox: readonly OutboxItem[], n = 1) {
  return { lease, entries: [createEvent(toSeq(lease, n), runId, stepStarted)], outbox }
}

async function rowsOf(outbox: Outbox, kind: string): Promise<readonly OutboxRow[]> {
  return outbox.rows({ kind, limit: 1_000 })
}

function sessionOf(agent: string) {
  return { id: randomIds.next("sess"), tenant: "tenant", userId: "user", agent, createdAt: 5 }
}

export const outboxCases: readonly SessionLogCase[] = [
  {
    rule: 17,
    name: "items are stored with the events of their commit, once, even if the batch is committed twice",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      const session = await startSession(log)
      const items = [
        { id: "a", kind, payload: { deep: [1.5, null, "\u0000"] } },
        { id: "b\u0000\ud800", kind, payload: null },
      ]
      const batch = batchOf(session, items)
      await commitOk(log, batch)
      await commitOk(log, batch)
      const rows = await rowsOf(outbox, kind)
      assert.deepEqual(
        rows.map(({ id, sessionId, state, attempts, lastError, bytes }) => {
          return { id, sessionId, state, attempts, lastError, bytes }
        }),
        items.map(({ id, payload }) => {
          const bytes = Buffer.byteLength(JSON.stringify(payload))
          return {
            id,
            sessionId: session.sessionId,
            state: "waiting",
            attempts: 0,
            lastError: null,
            bytes,
          }
        }),
      )
      const claimed = await outbox.claim({ kind, ...plenty })
      assert.deepEqual(
        claimed.map(({ id, payload, attempt, sessionId }) => ({ id, payload, attempt, sessionId })),
        items.map(({ id, payload }) => ({ id, payload, attempt: 1, sessionId: session.sessionId })),
      )
      for (const item of claimed) assert.equal(await outbox.complete(item), true)
      await commitOk(log, batch)
      assert.deepEqual(await rowsOf(outbox, kind), [])
    },
  },
  {
    rule: 17,
    name: "an id that its session already has in the outbox is not stored again, and other sessions may use it",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      const session = await writing(log, [{ id: "a", kind, payload: 1 }])
      await commitOk(log, batchOf(session, [{ id: "a", kind, payload: 2 }], 2))
      const other = await writing(log, [{ id: "a", kind, payload: 3 }])
      const claimed = await outbox.claim({ kind, ...plenty })
      assert.deepEqual(
        claimed.map(({ sessionId, payload }) => [sessionId, payload]),
        [
          [session.sessionId, 1],
          [other.sessionId, 3],
        ],
      )
    },
  },
  {
    rule: 17,
    name: "a commit drops the named items of its own session, and stores others",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      const items = ["a", "b\u0000", "c"].map((id) => ({ id, kind, payload: null }))
      const [session, other] = [await writing(log, items), await writing(log, items)]
      const stale = { ...session.lease, epoch: session.lease.epoch + 1 }
      const refused = { ...batchOf({ ...session, lease: stale }, [], 2), outboxDropped: ["c"] }
      assert.deepEqual(await log.commit([refused]), ["fenced"])
      const batch = batchOf(session, [{ id: "d", kind, payload: null }], 2)
      await commitOk(log, { ...batch, outboxDropped: ["a", "b\u0000", "unknown"] })
      const rows = await rowsOf(outbox, kind)
      const idsOf = ({ sessionId }: Writer) =>
        rows.filter((row) => row.sessionId === sessionId).map(({ id }) => id)
      assert.deepEqual(idsOf(session), ["c", "d"])
      assert.deepEqual(idsOf(other), ["a", "b\u0000", "c"])
    },
  },
  {
    rule: 17,
    name: "a refused batch stores no item",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      const session = await startSession(log)
      await log.put(cancel(session.sessionId))
      const end = createEvent(toSeq(session.lease, 1), session.runId, runFailed)
      const item = { id: "a", kind, payload: null }
      const ended = { runId: session.runId, state: "failed" } as const
      const batch = { lease: session.lease, entries: [end], outbox: [item], runEnded: ended }
      assert.deepEqual(await log.commit([batch]), ["cancelled"])
      const stale = { ...session.lease, epoch: session.lease.epoch + 1 }
      assert.deepEqual(await log.commit([{ ...batch, lease: stale }]), ["fenced"])
      assert.deepEqual(await rowsOf(outbox, kind), [])
    },
  },
  {
    rule: 17,
    name: "claims return the requested kind, oldest first, within the limit and the bytes, and each row once",
    async run({ open }) {
      const { log, outbox } = await open()
      const [kind, other] = [newKind(), newKind()]
      const payload = "x".repeat(98)
      const items = ["a", "b", "c", "d", "e"].map((id) => ({ id, kind, payload }))
      await writing(log, [{ id: "z", kind: other, payload: null }, ...items])
      const ids = async (limit: number, maxBytes: number) => {
        const claimed = await outbox.claim({ kind, limit, maxBytes, leaseMs: 60_000 })
        return claimed.map(({ id }) => id)
      }
      assert.deepEqual(await ids(2, 1_000), ["a", "b"])
      assert.deepEqual(await ids(9, 1), ["c"])
      assert.deepEqual(await ids(9, 101), ["d", "e"])
      assert.deepEqual(await ids(9, 1_000), [])
      assert.deepEqual([...(await outbox.nextDue([newKind()])).keys()], [])
      assert.ok(((await outbox.nextDue([other])).get(other) ?? 1) <= 0)
    },
  },
  {
    rule: 17,
    name: "an item is not due before its time",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      const notBefore = (await log.now()) + 3_600_000
      await writing(log, [{ id: "a", kind, payload: null, notBefore }])
      assert.deepEqual(await outbox.claim({ kind, ...plenty }), [])
      const dueInMs = (await outbox.nextDue([kind])).get(kind) ?? 0
      assert.ok(dueInMs > 3_500_000 && dueInMs <= 3_600_000, `due in ${dueInMs} ms`)
    },
  },
  {
    rule: 17,
    name: "after the end of a claim, reports of its former holder change nothing",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      await writing(log, [{ id: "a", kind, payload: null }])
      const [first] = await outbox.claim({ kind, ...plenty, leaseMs: 1 })
      assert.ok(first)
      const second = await waitFor("the end of the claim", async () => {
        const [again] = await outbox.claim({ kind, ...plenty })
        return again ?? null
      })
      assert.deepEqual([second.number, second.attempt], [first.number, 2])
      assert.deepEqual([first.interrupted, second.interrupted], [false, true])
      assert.notEqual(second.claim, first.claim)
      assert.equal(await outbox.complete(first), false)
      assert.equal(await outbox.fail(first, { error: "late", retryInMs: null }), false)
      await outbox.release(first, { begun: true })
      const [row] = await rowsOf(outbox, kind)
      assert.deepEqual([row?.attempts, row?.state, row?.lastError], [2, "waiting", null])
      assert.equal(await outbox.complete(second), true)
      assert.equal(await outbox.complete(second), false)
    },
  },
  {
    rule: 17,
    name: "a failed row is due again after its delay, and a released one at once without counting the attempt",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      await writing(log, [{ id: "a", kind, payload: null }])
      const claim = async () => (await outbox.claim({ kind, ...plenty }))[0]
      const first = await claim()
      assert.ok(first)
      await outbox.release(first, { begun: false })
      const second = await claim()
      assert.ok(second)
      assert.deepEqual([second?.attempt, second?.interrupted], [1, false])
      assert.equal(
        await outbox.fail(second, { error: "no\u0000pe".repeat(1_000), retryInMs: 3_600_000 }),
        true,
      )
      assert.equal(await claim(), undefined)
      const [row] = await rowsOf(outbox, kind)
      assert.equal(row?.attempts, 1)
      assert.ok(row?.lastError?.startsWith("no\u0000pe") && row.lastError.length <= 1_000)
      assert.equal((await outbox.nextDue([kind])).size, 1)
    },
  },
  {
    rule: 17,
    name: "an attempt that ended without an outcome is reported to the next ones, until one has an outcome",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      await writing(log, [{ id: "a", kind, payload: null }])
      const claim = async () => {
        const [item] = await outbox.claim({ kind, ...plenty })
        assert.ok(item)
        return item
      }
      await outbox.release(await claim(), { begun: true })
      const second = await claim()
      assert.equal(second.interrupted, true)
      await outbox.release(second, { begun: false })
      const third = await claim()
      assert.equal(third.interrupted, true)
      await outbox.fail(third, { error: "refused", retryInMs: 0 })
      const fourth = await claim()
      assert.equal(fourth.interrupted, false)
      await outbox.release(fourth, { begun: true })
      const fifth = await claim()
      await outbox.fail(fifth, { error: "unknown", retryInMs: null })
      await outbox.retry([fifth.number])
      assert.equal((await claim()).interrupted, false)
    },
  },
  {
    rule: 17,
    name: "a dead row is listed and not claimed until it is retried with all its attempts, or dropped",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      await writing(
        log,
        ["a", "b", "c"].map((id) => ({ id, kind, payload: id })),
      )
      for (const item of await outbox.claim({ kind, ...plenty })) {
        if (item.id !== "c") await outbox.fail(item, { error: "gone", retryInMs: null })
      }
      const dead = await outbox.rows({ kind, state: "dead", limit: 10 })
      assert.deepEqual(
        dead.map(({ id, dueAt, preview, lastError }) => ({ id, dueAt, preview, lastError })),
        [
          { id: "a", dueAt: null, preview: '"a"', lastError: "gone" },
          { id: "b", dueAt: null, preview: '"b"', lastError: "gone" },
        ],
      )
      assert.ok(dead.every(({ diedAt }) => diedAt !== null))
      assert.equal((await outbox.rows({ kind, state: "waiting", limit: 10 })).length, 1)
      assert.deepEqual(await outbox.rows({ kind, sessionId: "sess_none", limit: 10 }), [])
      const tenant = (await log.session(dead[0]?.sessionId ?? ""))?.tenant ?? ""
      assert.equal((await outbox.rows({ kind, tenant, limit: 10 })).length, 3)
      assert.deepEqual(await outbox.rows({ kind, tenant: "none", limit: 10 }), [])
      const [a, b] = dead
      assert.ok(a && b)
      assert.equal((await outbox.rows({ kind, after: a.number, limit: 1 }))[0]?.number, b.number)
      assert.equal(await outbox.retry([a.number, Number.MAX_SAFE_INTEGER]), 1)
      assert.equal((await outbox.claim({ kind, ...plenty }))[0]?.attempt, 1)
      assert.equal(await outbox.retry([]), 0)
      assert.equal(await outbox.retry([b.number]), 1)
      const [again] = await outbox.claim({ kind, ...plenty })
      assert.ok(again)
      await outbox.fail(again, { error: "gone", retryInMs: null })
      assert.equal(await outbox.drop({ kind, limit: 10 }), 1)
      assert.equal(await outbox.drop({ numbers: [a.number] }), 1)
      assert.deepEqual(
        (await rowsOf(outbox, kind)).map(({ id }) => id),
        ["c"],
      )
    },
  },
  {
    rule: 17,
    name: "a commit with items is announced at once",
    async run({ open }) {
      const { log, outbox } = await open()
      const stop = new AbortController()
      const arrivals = outbox.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      const next = readNext(arrivals, "an arrival")
      await writing(log, [{ id: "a", kind: newKind(), payload: null }])
      assert.equal((await next).done, false)
      stop.abort()
      assert.equal((await readNext(arrivals, "the end")).done, true)
    },
  },
  {
    rule: null,
    name: "a session is kept while a row of it waits, and dead rows survive it until they are dropped by their age",
    async run({ open }) {
      const { log, outbox } = await open()
      const kind = newKind()
      const session = await writing(log, [{ id: "a", kind, payload: null }])
      const { runId, lease, sessionId } = session
      const end = createEvent(toSeq(lease, 2), runId, runFailed)
      await commitOk(log, { lease, entries: [end], runEnded: { runId, state: "failed" } })
      const old = { deltasSettledBefore: 0, sessionsUsedBefore: 100_000 }
      await log.prune(old)
      assert.notEqual(await log.session(sessionId), null)
      const [item] = await outbox.claim({ kind, ...plenty })
      assert.ok(item)
      await outbox.fail(item, { error: "gone", retryInMs: null })
      await log.prune(old)
      assert.equal(await log.session(sessionId), null)
      assert.equal((await rowsOf(outbox, kind)).length, 1)
      await log.prune({ ...old, outboxDiedBefore: Number.MAX_SAFE_INTEGER })
      assert.deepEqual(await rowsOf(outbox, kind), [])
    },
  },
  {
    rule: null,
    name: "a removed session is reported in the transaction of its removal, once for each kind, and only if requested",
    async run({ open }) {
      const { log, outbox } = await open()
      const [kind, other] = [newKind(), newKind()]
      const agent = `an "agent" \u0000 of ${kind}`
      const session = { ...sessionOf(agent), tenant: "t\\1", userId: "u\ud800" }
      await log.createSession(session)
      const kept = { ...sessionOf(newKind()), createdAt: 200_000 }
      await log.createSession(kept)
      const old = { deltasSettledBefore: 0, sessionsUsedBefore: 100_000 }
      await log.prune({ ...old, removedSessionKinds: [kind, other] })
      await log.prune({ ...old, removedSessionKinds: [kind, other] })
      const [item, ...more] = await outbox.claim({ kind, ...plenty })
      const reported = [item, ...more].filter((each) => each?.sessionId === session.id)
      assert.equal(reported.length, 1)
      assert.deepEqual(reported[0]?.payload, {
        ...{ tenant: session.tenant, userId: session.userId, agent },
        ...{ parentSessionId: null, createdAt: 5, lastUsedAt: 5 },
      })
      assert.ok([item, ...more].every((each) => each?.sessionId !== kept.id))
      const others = (await rowsOf(outbox, other)).filter(({ sessionId }) => sessionId === session.id)
      assert.equal(others.length, 1)
      const silent = sessionOf(newKind())
      await log.createSession(silent)
      await log.prune(old)
      assert.equal(await log.session(silent.id), null)
      assert.ok((await rowsOf(outbox, kind)).every(({ sessionId }) => sessionId !== silent.id))
    },
  },
]
