import type { Snapshots } from "../../../../core/ports/store/snapshots.ts"
import { readBytes, toSnapshot } from "../../rows/snapshot-rows.ts"
import type { Database } from "../database/database.ts"

/**
 * Creates the snapshots. They lock no row of a session, because a commit would then find the session busy. If another
 * process claims the session during a `put`, a row of its snapshot may be overwritten. Readers detect that by the
 * digests.
 */
export function createSnapshots({ query }: Database): Snapshots {
  return {
    async put({ sessionId, epoch }, { version, seq, body, keptRows, rows }) {
      for (const [index, row] of rows.entries()) {
        const written = await query(
          `INSERT INTO agent_gateway.snapshot_row (session_id, number, body)
           SELECT id, $3, $4 FROM agent_gateway.session WHERE id = $1 AND epoch = $2
           ON CONFLICT (session_id, number) DO UPDATE SET body = excluded.body RETURNING number`,
          [sessionId, epoch, keptRows + index, row],
        )
        if (written.length === 0) return "stale"
      }
      const stored = await query(
        `WITH stored AS (
           INSERT INTO agent_gateway.snapshot (session_id, version, seq, body)
           SELECT id, $3, $4, $5 FROM agent_gateway.session WHERE id = $1 AND epoch = $2
           ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, seq = excluded.seq, body = excluded.body
             WHERE snapshot.version <> excluded.version OR snapshot.seq < excluded.seq
           RETURNING session_id
         ), removed AS (
           DELETE FROM agent_gateway.snapshot_row USING stored
           WHERE snapshot_row.session_id = stored.session_id AND snapshot_row.number >= $6
         )
         SELECT session_id FROM stored`,
        [sessionId, epoch, version, seq, body, keptRows + rows.length],
      )
      return stored.length > 0 ? "stored" : "stale"
    },
    async find(sessionId) {
      const sql = "SELECT version, seq, body FROM agent_gateway.snapshot WHERE session_id = $1"
      const [row] = await query(sql, [sessionId])
      return row === undefined ? null : toSnapshot(row)
    },
    async rows(sessionId, { from, limit }) {
      const rows = await query(
        `SELECT body FROM agent_gateway.snapshot_row WHERE session_id = $1 AND number >= $2
         ORDER BY number LIMIT $3`,
        [sessionId, from, limit],
      )
      return rows.map(readBytes)
    },
    async drop({ sessionId, epoch }) {
      const dropped = await query(
        `WITH held AS (SELECT id FROM agent_gateway.session WHERE id = $1 AND epoch = $2),
         head AS (DELETE FROM agent_gateway.snapshot USING held WHERE snapshot.session_id = held.id),
         further AS (DELETE FROM agent_gateway.snapshot_row USING held WHERE snapshot_row.session_id = held.id)
         SELECT id FROM held`,
        [sessionId, epoch],
      )
      return dropped.length > 0
    },
  }
}
