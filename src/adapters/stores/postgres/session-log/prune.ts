import type { PruneLimits } from "../../../../core/ports/store/prune-limits.ts"
import { escapeText } from "../../rows/columns.ts"
import { removedSessionPrefix, selectRemovedSessions } from "../../rows/removed-session.ts"
import type { Query } from "../database/database.ts"
import { nowMs } from "../schema.ts"

/** Maximum rows of one statement, so that it ends well before its timeout. */
const settledPerStatement = 100
/** Most sessions are small and are removed many at a time. The large ones follow. Bytes are those of the root. */
const sessionSlices = [
  { count: 200, maxBytes: 100_000 },
  { count: 10, maxBytes: Number.MAX_SAFE_INTEGER },
]

/** Drops the deltas before each settling event that is older than the limit (rule 6). */
export async function pruneDeltas(query: Query, settledBefore: number): Promise<void> {
  const statement = `WITH
    due AS (
      SELECT session_id, seq FROM agent_gateway.settled WHERE at < $1
      ORDER BY at LIMIT ${settledPerStatement} FOR UPDATE SKIP LOCKED
    ),
    dropped AS (
      DELETE FROM agent_gateway.delta USING due
      WHERE delta.session_id = due.session_id AND delta.seq < due.seq
    )
    DELETE FROM agent_gateway.settled USING due
    WHERE settled.session_id = due.session_id AND settled.seq = due.seq RETURNING settled.seq`
  while ((await query(statement, [settledBefore])).length > 0);
}

/** Tables whose rows are deleted with their session. */
const ownTables = [
  "entry",
  "delta",
  "settled",
  "run",
  "command",
  "steering_key",
  "wait",
  "tool_grant",
  "audit",
  "content",
  "content_chunk",
  "snapshot",
  "snapshot_row",
  "archived_body",
  "kept_request",
  "archive_due",
]

export async function pruneSessions(query: Query, limits: PruneLimits): Promise<void> {
  const { sessionsUsedBefore, keptUntil = 0 } = limits
  await removeSessions(query, limits, { ...keptAsOthers, before: sessionsUsedBefore })
  await removeSessions(query, limits, { ...keptForOwnTime, before: keptUntil })
}

/** SQL: sessions that are kept as long as others, or for a time of their own. */
const keptAsOthers = { condition: "true", endsAt: "root.last_used_at", keptMs: "0::bigint" }
const keptForOwnTime = {
  condition: "root.keep_ms IS NOT NULL",
  endsAt: "root.last_used_at + root.keep_ms",
  keptMs: "root.keep_ms",
}

async function removeSessions(
  query: Query,
  { subscribersBehindBefore = 0, removedSessionKinds = [] }: PruneLimits,
  { condition, endsAt, keptMs, before }: typeof keptAsOthers & { readonly before: number },
): Promise<void> {
  const ofGone = ownTables.map(
    (table) =>
      `${table}_rows AS (DELETE FROM agent_gateway.${table} USING gone WHERE ${table}.session_id = gone.id)`,
  )
  const statement = `WITH
    -- A tree is kept or removed as a whole. A session that is in use at this moment may lose its root. It then counts
    -- as a root itself.
    roots AS (
      SELECT id, ${keptMs} AS kept_ms FROM agent_gateway.session AS root
      WHERE ${condition} AND (parent_session_id IS NULL
          OR NOT EXISTS (SELECT FROM agent_gateway.session WHERE session.id = root.root_id))
        AND active_run IS NULL AND ${endsAt} < $1 AND NOT EXISTS (
        SELECT FROM agent_gateway.session WHERE coalesce(session.root_id, session.id) = root.id AND (
          session.active_run IS NOT NULL OR session.last_used_at + ${keptMs} >= $1
          OR EXISTS (SELECT FROM agent_gateway.command WHERE command.session_id = session.id)
          OR EXISTS (SELECT FROM agent_gateway.outbox WHERE outbox.session_id = session.id AND outbox.died_at IS NULL)
          OR EXISTS (
            SELECT FROM agent_gateway.subscriber_cursor AS behind
            WHERE behind.session_id = session.id AND behind.behind_since >= $2)))
        AND stored_bytes + content_bytes + archived_bytes <= $3
      LIMIT $4 FOR UPDATE SKIP LOCKED
    ),
    idle AS (
      SELECT session.id FROM agent_gateway.session
      JOIN roots ON session.id = roots.id OR coalesce(session.root_id, session.id) = roots.id
      WHERE session.active_run IS NULL AND session.last_used_at + roots.kept_ms < $1 FOR UPDATE OF session SKIP LOCKED
    ),
    gone AS (DELETE FROM agent_gateway.session USING idle WHERE session.id = idle.id RETURNING session.*),
    reports AS (
      INSERT INTO agent_gateway.outbox (session_id, id, kind, payload, bytes, created_at, due_at)
      SELECT id, '${removedSessionPrefix}' || kind, kind, payload, bytes, ${nowMs}, ${nowMs}
      FROM (${selectRemovedSessions("gone", (payload) => `octet_length(${payload})`)}) AS report
      CROSS JOIN unnest($5::text[]) AS kind
    ),
    ${ofGone.join(",\n    ")},
    -- A cursor that is behind stays until its subscriber knows of the gap.
    cursors AS (
      DELETE FROM agent_gateway.subscriber_cursor AS own USING gone
      WHERE own.session_id = gone.id AND own.behind_since IS NULL
    ),
    gaps AS (
      UPDATE agent_gateway.subscriber_cursor AS own SET stirred = true FROM gone
      WHERE own.session_id = gone.id AND own.behind_since IS NOT NULL
    )
    SELECT id FROM gone`
  const kinds = removedSessionKinds.map(escapeText)
  for (const { count, maxBytes } of sessionSlices) {
    const parameters = [before, subscribersBehindBefore, maxBytes, count, kinds]
    while ((await query(statement, parameters)).length > 0);
  }
}

/** Removes processes. An owner without a row counts as dead, like one whose row has lapsed. */
export async function pruneProcesses(query: Query): Promise<void> {
  await query("DELETE FROM agent_gateway.process WHERE expires_at < clock_timestamp() - interval '1 day'")
}
