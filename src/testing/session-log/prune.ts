import assert from "node:assert/strict"
import type { Entry } from "../../core/log/entries.ts"
import {
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
  stepCompleted,
  stepStarted,
  toSeq,
  waitFor,
} from "./fixtures.ts"

/** A limit that is older than any session of these cases, so that only deltas are dropped. */
const noSessions = { sessionsUsedBefore: 0 }

export const pruneCases: readonly SessionLogCase[] = [
  {
    rule: 6,
    name: "deltas are dropped after they have been settled for longer than the limit, by the store's clock only",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const commit = (entry: Entry) => commitOk(log, { lease, entries: [entry] })
      const beginning = await log.now()
      // The writer's clock may be behind or ahead.
      await commit(createEvent(toSeq(lease, 1), runId, stepStarted, { at: 1_000 }))
      await commit(createTextDelta(toSeq(lease, 2), runId, "first step"))
      await commit(createEvent(toSeq(lease, 3), runId, stepCompleted, { at: 2_000 }))
      const first = await log.now()
      const between = await waitFor("a later time", async () => {
        const now = await log.now()
        return now > first ? now : null
      })
      await commit(createTextDelta(toSeq(lease, 4), runId, "second step"))
      await commit(createEvent(toSeq(lease, 5), runId, stepCompleted, { at: 1_000 }))
      await commit(createTextDelta(toSeq(lease, 6), runId, "unsettled"))
      const kept = async (deltasSettledBefore: number) => {
        await log.prune({ deltasSettledBefore, ...noSessions })
        const left = await log.read(sessionId, { afterSeq: 0, limit: 100 })
        return left.map(({ seq }) => seq - toSeq(lease, 0))
      }
      assert.deepEqual(await kept(beginning), [1, 2, 3, 4, 5, 6])
      assert.deepEqual(await kept(between), [1, 3, 4, 5, 6])
      assert.deepEqual(await kept(between), [1, 3, 4, 5, 6])
      assert.deepEqual(await kept(Number.MAX_SAFE_INTEGER), [1, 3, 5, 6])
    },
  },
  {
    rule: 6,
    name: "the end of a run settles its deltas, including those of the same commit",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      await commitOk(log, { lease, entries: [createTextDelta(toSeq(lease, 1), runId, "a")] })
      await commitOk(log, {
        lease,
        entries: [
          createEvent(toSeq(lease, 2), runId, stepStarted),
          createTextDelta(toSeq(lease, 3), runId, "b"),
          createEvent(toSeq(lease, 4), runId, runFailed, { at: 2_000 }),
        ],
        runEnded: { runId, state: "failed" },
      })
      await log.prune({ deltasSettledBefore: Number.MAX_SAFE_INTEGER, ...noSessions })
      const left = await log.read(sessionId, { afterSeq: 0, limit: 100 })
      assert.deepEqual(
        left.map(({ kind }) => kind),
        ["event", "event"],
      )
    },
  },
  {
    rule: 6,
    name: "thousands of settled deltas are dropped in one call",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const batches = Array.from({ length: 1_000 }, (_, n) => {
        return { lease, entries: [createTextDelta(toSeq(lease, n + 1), runId, "x")] }
      })
      await log.commit(batches)
      const end = createEvent(toSeq(lease, 1_001), runId, stepCompleted, { at: 2_000 })
      await commitOk(log, { lease, entries: [end] })
      await log.prune({ deltasSettledBefore: Number.MAX_SAFE_INTEGER, ...noSessions })
      assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 2_000 }), [end])
    },
  },
  {
    rule: null,
    name: "sessions without use since the limit are removed with all their data, unless a run is open",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const idle = await openSession(log, { agent, at: 10 })
      const recent = await openSession(log, { at: 20 })
      const busy = await openSession(log, { at: 10 })
      requireAcceptedPut(await log.put(createMessage(busy, { at: 11 })))
      const ended = await startSession(log)
      await commitOk(log, {
        lease: ended.lease,
        entries: [
          createTextDelta(toSeq(ended.lease, 1), ended.runId, "a"),
          createEvent(toSeq(ended.lease, 2), ended.runId, runFailed, { at: 30_000 }),
        ],
        runEnded: { runId: ended.runId, state: "failed" },
      })
      const exist = async () =>
        (await Promise.all([idle, recent, busy, ended.sessionId].map((id) => log.session(id)))).map(
          (session) => session !== null,
        )
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 20 })
      assert.deepEqual(await exist(), [false, true, true, true])
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 30_000 })
      assert.deepEqual(await exist(), [false, false, true, true])
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 30_001 })
      assert.deepEqual(await exist(), [false, false, true, false])
      assert.deepEqual(await log.read(ended.sessionId, { afterSeq: 0, limit: 10 }), [])
      assert.equal(await log.run(ended.sessionId, ended.runId), null)
      assert.deepEqual(await log.put(createMessage(idle)), { status: "unknown" })
      assert.equal(await log.claim(idle, [agent]), null)
      const late = { lease: ended.lease, entries: [createTextDelta(toSeq(ended.lease, 3), ended.runId, "b")] }
      assert.deepEqual(await log.commit([late]), ["fenced"])
    },
  },
  {
    rule: null,
    name: "a session that is kept for a time of its own is removed after that time, unless it has work",
    async run({ open }) {
      const { log } = await open()
      const kept = await openSession(log, { at: 1_000, keepMs: 500 })
      const other = await openSession(log, { at: 1_000 })
      const busy = await openSession(log, { at: 1_000, keepMs: 500 })
      requireAcceptedPut(await log.put(createMessage(busy, { at: 1_100 })))
      const revoked = await openSession(log, { at: 1_000 })
      await log.revokeSession(revoked, 1_200, { keepMs: 0 })
      const exist = async () =>
        (await Promise.all([kept, other, busy, revoked].map((id) => log.session(id)))).map(
          (session) => session !== null,
        )
      await log.prune({ deltasSettledBefore: 0, ...noSessions })
      assert.deepEqual(await exist(), [true, true, true, true])
      await log.prune({ deltasSettledBefore: 0, ...noSessions, keptUntil: 1_500 })
      assert.deepEqual(await exist(), [true, true, true, false])
      await log.prune({ deltasSettledBefore: 0, ...noSessions, keptUntil: 1_501 })
      assert.deepEqual(await exist(), [false, true, true, false])
      await log.prune({ deltasSettledBefore: 0, ...noSessions, keptUntil: Number.MAX_SAFE_INTEGER })
      assert.deepEqual(await exist(), [false, true, true, false])
    },
  },
]
