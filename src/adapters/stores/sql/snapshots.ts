import type { NewSnapshot, Snapshot, SnapshotLease, Snapshots } from "../../../core/ports/store/snapshots.ts"
import { type Row, readBytes, readInteger } from "../rows/columns.ts"
import { type SqlDatabase, type Steps, schema, sql } from "./statement.ts"

/**
 * Creates the snapshots. They lock no row of a session, because a commit would then find the session busy. If another
 * process claims the session during a `put`, a row of its snapshot may be overwritten. Readers detect that by the
 * digests.
 */
export function createSnapshots({ read, write, transaction }: SqlDatabase): Snapshots {
  return {
    async put(lease, snapshot) {
      const { sessionId, epoch } = lease
      // Each row has its own transaction, so that no turn of the event loop is long (rule 15).
      for (const [index, body] of snapshot.rows.entries()) {
        const written = await write(sql`INSERT INTO ${schema}snapshot_row (session_id, number, body)
          SELECT id, ${snapshot.keptRows + index}, ${body} FROM ${schema}session
          WHERE id = ${sessionId} AND epoch = ${epoch}
          ON CONFLICT (session_id, number) DO UPDATE SET body = excluded.body RETURNING number`)
        if (written.length === 0) return "stale"
      }
      return transaction(() => complete(lease, snapshot))
    },
    async find(sessionId) {
      const [row] = await read(
        sql`SELECT version, seq, body FROM ${schema}snapshot WHERE session_id = ${sessionId}`,
      )
      return row === undefined ? null : toSnapshot(row)
    },
    async rows(sessionId, { from, limit }) {
      const rows = await read(sql`SELECT body FROM ${schema}snapshot_row
        WHERE session_id = ${sessionId} AND number >= ${from} ORDER BY number LIMIT ${limit}`)
      return rows.map((row) => readBytes(row, "body"))
    },
    drop: (lease) => transaction(() => drop(lease)),
  }
}

/** Stores the head of the snapshot. Returns `stale` if the session was claimed after the lease, or is gone. */
function* complete(
  { sessionId, epoch }: SnapshotLease,
  { version, seq, body, keptRows, rows }: NewSnapshot,
): Steps<"stored" | "stale"> {
  const stored = yield sql`INSERT INTO ${schema}snapshot (session_id, version, seq, body)
    SELECT id, ${version}, ${seq}, ${body} FROM ${schema}session WHERE id = ${sessionId} AND epoch = ${epoch}
    ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, seq = excluded.seq, body = excluded.body
      WHERE snapshot.version <> excluded.version OR snapshot.seq < excluded.seq
    RETURNING seq`
  if (stored.length === 0) return "stale"
  yield sql`DELETE FROM ${schema}snapshot_row
    WHERE session_id = ${sessionId} AND number >= ${keptRows + rows.length}`
  return "stored"
}

function* drop({ sessionId, epoch }: SnapshotLease): Steps<boolean> {
  const held = yield sql`SELECT id FROM ${schema}session WHERE id = ${sessionId} AND epoch = ${epoch}`
  if (held.length === 0) return false
  yield sql`DELETE FROM ${schema}snapshot WHERE session_id = ${sessionId}`
  yield sql`DELETE FROM ${schema}snapshot_row WHERE session_id = ${sessionId}`
  return true
}

function toSnapshot(row: Row): Snapshot {
  return { version: readInteger(row, "version"), seq: readInteger(row, "seq"), body: readBytes(row, "body") }
}
