import assert from "node:assert/strict"
import { emptyFingerprint } from "../../core/history/history-fingerprint.ts"
import { randomIds } from "../../core/ids.ts"
import type { HistoryCompacted } from "../../core/log/compaction.ts"
import type { HistoryReplaced } from "../../core/log/history-events.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../core/ports/store/storage-limits.ts"
import { noSpending } from "../../core/usage.ts"
import {
  cancel,
  claimSession,
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
} from "./fixtures.ts"

const replaced: HistoryReplaced = {
  type: "historyReplaced",
  messages: [{ role: "user", content: [{ type: "text", text: "Zoë" }] }],
  spent: noSpending,
}
const compacted: HistoryCompacted = {
  type: "historyCompacted",
  compactionId: "cmp_1",
  summary: "Zoë greeted.",
  notes: [],
  keptFromSeq: 1,
  keptFromIndex: 0,
  fingerprint: emptyFingerprint,
  tokensBefore: 90,
  tokensAfter: 30,
  model: "model",
  ...noSpending,
  charged: 0,
  estimated: false,
  spent: noSpending,
}
const roomy: StorageLimits = { sessionBytes: 1_000_000, principalIsFull: false }

function sizeOf(stored: object): number {
  return Buffer.byteLength(JSON.stringify(stored))
}

/** A session with an ended run, in which one event is stored. */
async function usedSession(log: SessionLog): Promise<string> {
  const { sessionId, runId, lease } = await startSession(log)
  const end = createEvent(toSeq(lease, 1), runId, runFailed)
  await commitOk(log, { lease, entries: [end], runEnded: { runId, state: "failed" } })
  assert.equal(await log.release(lease), "released")
  return sessionId
}

export const storageCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "the stored size of a session is that of its events, each counted once, and not of its deltas",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const batch = {
        lease,
        entries: [
          createEvent(toSeq(lease, 1), runId, replaced),
          createTextDelta(toSeq(lease, 2), runId, "x".repeat(10_000)),
          createEvent(toSeq(lease, 3), runId, stepStarted),
        ],
      }
      assert.equal((await log.session(sessionId))?.storedBytes, 0)
      await commitOk(log, batch)
      await commitOk(log, batch)
      const size = sizeOf(replaced) + sizeOf(stepStarted)
      assert.equal((await log.session(sessionId))?.storedBytes, size)
      const rest = [4, 5].map((n) => ({ lease, entries: [createEvent(toSeq(lease, n), runId, stepStarted)] }))
      await log.commit(rest)
      assert.equal((await log.session(sessionId))?.storedBytes, size + 2 * sizeOf(stepStarted))
    },
  },
  {
    rule: null,
    name: "the stored size of a principal is that of all its sessions, and of no other's",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const principal = { tenant: 'ten"ant\u0000', userId: randomIds.next("key") }
      const others = [
        { ...principal, tenant: "other" },
        { ...principal, userId: "other" },
      ]
      assert.equal(await log.storedBytes(principal), 0)
      for (const owner of [principal, principal, ...others]) {
        const id = randomIds.next("sess")
        await log.createSession({ id, ...owner, agent, createdAt: 1_000 })
        const lease = await claimSession(log, id)
        assert.deepEqual(lease.principal, owner)
        await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), "run", stepStarted)] })
      }
      assert.equal(await log.storedBytes(principal), 2 * sizeOf(stepStarted))
    },
  },
  {
    rule: null,
    name: "a message to a session or principal over its storage limit is refused, whether it is claimed or not",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await usedSession(log)
      const atLimit = { ...roomy, sessionBytes: sizeOf(runFailed) }
      const principalFull = { ...roomy, principalIsFull: true }
      const sessionIsFull = { status: "full", scope: "session" }
      const principalIsFull = { status: "full", scope: "principal" }
      assert.deepEqual(await log.put(createMessage(sessionId), atLimit), sessionIsFull)
      assert.deepEqual(await log.put(createMessage(sessionId), principalFull), principalIsFull)
      assert.deepEqual(await log.putAndClaim(createMessage(sessionId), [createAgentName()], atLimit), {
        outcome: sessionIsFull,
        lease: null,
      })
      assert.equal((await log.session(sessionId))?.activeRun, null)
      requireAcceptedPut(
        await log.put(createMessage(sessionId), { ...roomy, sessionBytes: sizeOf(runFailed) + 1 }),
      )
      assert.equal((await log.put(createMessage(sessionId), atLimit)).status, "busy")
      requireAcceptedPut(await log.put(cancel(sessionId), atLimit))
    },
  },
  {
    rule: 1,
    name: "a repeated message returns its run even if the session is full by now",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const idempotency = { key: "key", bodyHash: "hash" }
      const nothing = { sessionBytes: 0, principalIsFull: true }
      const run = requireAcceptedPut(await log.put(createMessage(sessionId, { idempotency }), roomy))
      const again = await log.put(createMessage(sessionId, { idempotency }), nothing)
      assert.deepEqual(again, { ...run, status: "duplicate" })
      const other = createMessage(sessionId, { idempotency: { key: "key", bodyHash: "other" } })
      assert.deepEqual(await log.put(other, nothing), { status: "keyReused" })
    },
  },
  {
    rule: 13,
    name: "the last event that replaced the history is found among any number",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const other = await startSession(log)
      assert.equal(await log.historyStart(sessionId), 0)
      for (const n of [1, 4]) {
        const entries = [
          createEvent(toSeq(lease, n), runId, replaced),
          createEvent(toSeq(lease, n + 1), runId, stepStarted),
        ]
        await commitOk(log, { lease, entries })
        assert.equal(await log.historyStart(sessionId), toSeq(lease, n))
      }
      assert.equal(await log.historyStart(sessionId, toSeq(lease, 4)), toSeq(lease, 4))
      assert.equal(await log.historyStart(sessionId, toSeq(lease, 3)), toSeq(lease, 1))
      assert.equal(await log.historyStart(sessionId, toSeq(lease, 0)), 0)
      assert.equal(await log.historyStart(other.sessionId), 0)
    },
  },
  {
    rule: 11,
    name: "the last compaction is found among any number",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const other = await startSession(log)
      assert.equal(await log.compactionStart(sessionId), 0)
      for (const n of [1, 4]) {
        const compaction = createEvent(toSeq(lease, n), runId, compacted)
        await commitOk(log, {
          lease,
          entries: [compaction, createEvent(toSeq(lease, n + 1), runId, stepStarted)],
        })
        assert.equal(await log.compactionStart(sessionId), toSeq(lease, n))
        assert.deepEqual(await log.read(sessionId, { afterSeq: toSeq(lease, n) - 1, limit: 1 }), [compaction])
      }
      assert.equal(await log.compactionStart(sessionId, toSeq(lease, 4)), toSeq(lease, 4))
      assert.equal(await log.compactionStart(sessionId, toSeq(lease, 3)), toSeq(lease, 1))
      assert.equal(await log.compactionStart(sessionId, toSeq(lease, 0)), 0)
      assert.equal(await log.compactionStart(other.sessionId), 0)
    },
  },
  {
    rule: 13,
    name: "replaced histories stay in the log, and readers can leave them out",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const large = { ...replaced, messages: Array(50).fill(replaced.messages[0]) }
      const entries = Array.from({ length: 300 }, (_, index) => {
        return index % 2 === 0
          ? createEvent(toSeq(lease, index + 1), runId, large)
          : createTextDelta(toSeq(lease, index + 1), runId, "x")
      })
      await commitOk(log, { lease, entries })
      const deltas = entries.filter(({ kind }) => kind === "delta")
      const from = { afterSeq: 0, limit: 1_000 }
      assert.deepEqual(await log.read(sessionId, from), entries)
      assert.deepEqual(await log.read(sessionId, { ...from, replacedHistories: false }), deltas)
      const page = { ...from, maxCharacters: 5_000, replacedHistories: false }
      const first = await log.read(sessionId, page)
      assert.ok(first.length > 1 && first.length < deltas.length)
      assert.deepEqual(first, deltas.slice(0, first.length))
    },
  },
]
