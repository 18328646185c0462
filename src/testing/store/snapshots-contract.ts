import assert from "node:assert/strict"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import { type NewSnapshot, type Snapshots, snapshotRowBytes } from "../../core/ports/store/snapshots.ts"
import type { SessionLogCase } from "../session-log/fixtures.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openSession,
  requireAcceptedPut,
  runFailed,
  toSeq,
} from "../session-log/fixtures.ts"

/** Returns non-repeating bytes, which include zeros and halves of characters. */
function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) % 256)
}

function snapshotOf(
  seq: number,
  rows: readonly Uint8Array[],
  options: Partial<NewSnapshot> = {},
): NewSnapshot {
  return { version: 1, seq, body: bytesOf(100, seq), keptRows: 0, rows, ...options }
}

async function claimedSession(log: SessionLog): Promise<Lease> {
  return claimSession(log, await openSession(log))
}

async function rowsOf(snapshots: Snapshots, sessionId: string): Promise<readonly Buffer[]> {
  return (await snapshots.rows(sessionId, { from: 0, limit: 100 })).map((row) => Buffer.from(row))
}

export const snapshotCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a snapshot is read back unchanged, to the last byte of its rows",
    async run({ open }) {
      const { log, snapshots } = await open()
      const lease = await claimedSession(log)
      const { sessionId } = lease
      assert.equal(await snapshots.find(sessionId), null)
      assert.deepEqual(await snapshots.rows(sessionId, { from: 0, limit: 9 }), [])
      const rows = [bytesOf(snapshotRowBytes), bytesOf(5, 2), bytesOf(7, 3)]
      assert.equal(await snapshots.put(lease, snapshotOf(10, rows)), "stored")
      const found = await snapshots.find(sessionId)
      assert.equal(found?.version, 1)
      assert.equal(found.seq, 10)
      assert.deepEqual(Buffer.from(found.body), Buffer.from(bytesOf(100, 10)))
      assert.deepEqual(
        await rowsOf(snapshots, sessionId),
        rows.map((row) => Buffer.from(row)),
      )
      const [second, ...others] = await snapshots.rows(sessionId, { from: 1, limit: 1 })
      assert.deepEqual(Buffer.from(second ?? []), Buffer.from(bytesOf(5, 2)))
      assert.deepEqual(others, [])
    },
  },
  {
    rule: null,
    name: "a later snapshot keeps the first rows of the former one, and no others",
    async run({ open }) {
      const { log, snapshots } = await open()
      const lease = await claimedSession(log)
      const [one, two, three] = [bytesOf(10, 1), bytesOf(20, 2), bytesOf(30, 3)]
      await snapshots.put(lease, snapshotOf(10, [one, two, three]))
      assert.equal(await snapshots.put(lease, snapshotOf(20, [three], { keptRows: 1 })), "stored")
      assert.deepEqual(await rowsOf(snapshots, lease.sessionId), [Buffer.from(one), Buffer.from(three)])
      assert.equal((await snapshots.find(lease.sessionId))?.seq, 20)
      assert.equal(await snapshots.put(lease, snapshotOf(30, [])), "stored")
      assert.deepEqual(await rowsOf(snapshots, lease.sessionId), [])
    },
  },
  {
    rule: 7,
    name: "a process does not replace a snapshot if its session was claimed since",
    async run({ open }) {
      const { log, snapshots } = await open()
      const former = await claimedSession(log)
      await snapshots.put(former, snapshotOf(10, [bytesOf(10)]))
      await log.release(former)
      // The snapshot may be put after the session was released.
      assert.equal(await snapshots.put(former, snapshotOf(20, [bytesOf(20)])), "stored")
      const lease = await claimSession(log, former.sessionId)
      assert.equal(await snapshots.put(former, snapshotOf(30, [bytesOf(30)])), "stale")
      assert.equal(await snapshots.put(former, snapshotOf(30, [])), "stale")
      assert.equal(await snapshots.drop(former), false)
      assert.equal((await snapshots.find(former.sessionId))?.seq, 20)
      assert.deepEqual(await rowsOf(snapshots, former.sessionId), [Buffer.from(bytesOf(20))])
      assert.equal(await snapshots.put(lease, snapshotOf(40, [])), "stored")
    },
  },
  {
    rule: null,
    name: "a snapshot is replaced by a newer one, or by one of another version",
    async run({ open }) {
      const { log, snapshots } = await open()
      const lease = await claimedSession(log)
      await snapshots.put(lease, snapshotOf(20, []))
      assert.equal(await snapshots.put(lease, snapshotOf(20, [])), "stale")
      assert.equal(await snapshots.put(lease, snapshotOf(10, [])), "stale")
      assert.equal((await snapshots.find(lease.sessionId))?.seq, 20)
      assert.equal(await snapshots.put(lease, snapshotOf(10, [], { version: 2 })), "stored")
      assert.equal((await snapshots.find(lease.sessionId))?.version, 2)
    },
  },
  {
    rule: null,
    name: "a snapshot belongs to its session only, and can be removed",
    async run({ open }) {
      const { log, snapshots } = await open()
      const lease = await claimedSession(log)
      const other = await claimedSession(log)
      await snapshots.put(lease, snapshotOf(10, [bytesOf(10)]))
      await snapshots.put(other, snapshotOf(10, [bytesOf(20)]))
      assert.equal(await snapshots.drop(lease), true)
      assert.equal(await snapshots.find(lease.sessionId), null)
      assert.deepEqual(await rowsOf(snapshots, lease.sessionId), [])
      assert.deepEqual(await rowsOf(snapshots, other.sessionId), [Buffer.from(bytesOf(20))])
      assert.equal(await snapshots.drop(lease), true)
      const unknown = { sessionId: "sess_unknown", epoch: 1 }
      assert.equal(await snapshots.put(unknown, snapshotOf(10, [bytesOf(10)])), "stale")
      assert.equal(await snapshots.put(unknown, snapshotOf(10, [])), "stale")
      assert.equal(await snapshots.drop(unknown), false)
    },
  },
  {
    rule: null,
    name: "a snapshot is removed with its session",
    async run({ open }) {
      const { log, snapshots } = await open()
      const sessionId = await openSession(log)
      const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
      const lease = await claimSession(log, sessionId)
      const entries = [createEvent(toSeq(lease, 1), runId, runFailed)]
      await commitOk(log, { lease, entries, runEnded: { runId, state: "failed" } })
      await snapshots.put(lease, snapshotOf(toSeq(lease, 1), [bytesOf(10), bytesOf(20)]))
      await log.release(lease, { force: true })
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: Number.MAX_SAFE_INTEGER })
      assert.equal(await snapshots.find(sessionId), null)
      assert.deepEqual(await rowsOf(snapshots, sessionId), [])
      assert.equal(await snapshots.put(lease, snapshotOf(toSeq(lease, 2), [])), "stale")
    },
  },
]
