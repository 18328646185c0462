import type { NewSnapshot, SnapshotLease, Snapshots } from "../../../../core/ports/store/snapshots.ts"
import { readBytes, toSnapshot } from "../../rows/snapshot-rows.ts"
import type { Database } from "../database/database.ts"

export function createSnapshots(database: Database): Snapshots {
  return {
    async put(lease, snapshot) {
      // Each row has its own transaction, so that no turn of the event loop is long (rule 15).
      for (const [index, body] of snapshot.rows.entries()) {
        const number = snapshot.keptRows + index
        const written = await database.write(() => putRow(database, lease, { number, body }))
        if (!written) return "stale"
      }
      return database.write(() => complete(database, lease, snapshot))
    },
    find: (sessionId) =>
      database.read(() => {
        const row = database.get("SELECT version, seq, body FROM snapshot WHERE session_id = ?", sessionId)
        return row === undefined ? null : toSnapshot(row)
      }),
    rows: (sessionId, { from, limit }) =>
      database.read(() =>
        database
          .all(
            "SELECT body FROM snapshot_row WHERE session_id = ? AND number >= ? ORDER BY number LIMIT ?",
            sessionId,
            from,
            limit,
          )
          .map(readBytes),
      ),
    drop: ({ sessionId, epoch }) =>
      database.write(() => {
        const session = "SELECT 1 FROM session WHERE id = ? AND epoch = ?"
        if (database.get(session, sessionId, epoch) === undefined) return false
        database.run("DELETE FROM snapshot WHERE session_id = ?", sessionId)
        database.run("DELETE FROM snapshot_row WHERE session_id = ?", sessionId)
        return true
      }),
  }
}

/** Returns false if the session does not exist or was claimed after the lease. */
function putRow(
  database: Database,
  { sessionId, epoch }: SnapshotLease,
  { number, body }: { readonly number: number; readonly body: Uint8Array },
): boolean {
  const changed = database.run(
    `INSERT INTO snapshot_row (session_id, number, body)
     SELECT id, ?, ? FROM session WHERE id = ? AND epoch = ?
     ON CONFLICT (session_id, number) DO UPDATE SET body = excluded.body`,
    number,
    body,
    sessionId,
    epoch,
  )
  return changed > 0
}

function complete(
  database: Database,
  { sessionId, epoch }: SnapshotLease,
  { version, seq, body, keptRows, rows }: NewSnapshot,
): "stored" | "stale" {
  const changed = database.run(
    `INSERT INTO snapshot (session_id, version, seq, body)
     SELECT id, ?, ?, ? FROM session WHERE id = ? AND epoch = ?
     ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, seq = excluded.seq, body = excluded.body
       WHERE snapshot.version <> excluded.version OR snapshot.seq < excluded.seq`,
    version,
    seq,
    body,
    sessionId,
    epoch,
  )
  if (changed === 0) return "stale"
  database.run(
    "DELETE FROM snapshot_row WHERE session_id = ? AND number >= ?",
    sessionId,
    keptRows + rows.length,
  )
  return "stored"
}
