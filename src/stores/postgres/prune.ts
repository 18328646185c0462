import type { Query } from "./database.ts"

/** What one statement deals with, so that it is done well before it times out. */
const settledPerStatement = 100
const sessionsPerStatement = 10

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

/** What dies with its session. */
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
]

export async function pruneSessions(query: Query, usedBefore: number): Promise<void> {
  const ofGone = ownTables.map(
    (table) => `${table}_rows AS (DELETE FROM agent_gateway.${table} USING gone WHERE session_id = gone.id)`,
  )
  const statement = `WITH
    idle AS (
      SELECT id FROM agent_gateway.session WHERE active_run IS NULL AND last_used_at < $1
        AND NOT EXISTS (SELECT FROM agent_gateway.command WHERE session_id = session.id)
      LIMIT ${sessionsPerStatement} FOR UPDATE SKIP LOCKED
    ),
    gone AS (DELETE FROM agent_gateway.session USING idle WHERE session.id = idle.id RETURNING session.id),
    ${ofGone.join(",\n    ")}
    SELECT id FROM gone`
  while ((await query(statement, [usedBefore])).length > 0);
}

/** An owner without a row is dead as one whose row has lapsed. */
export async function pruneProcesses(query: Query): Promise<void> {
  await query("DELETE FROM agent_gateway.process WHERE expires_at < clock_timestamp() - interval '1 day'")
}
