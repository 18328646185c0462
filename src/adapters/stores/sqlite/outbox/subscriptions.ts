import type { Stirred } from "../../rows/subscription-rows.ts"
import type { Database } from "../database/database.ts"

/**
 * Makes the cursors of these sessions due, and creates missing ones. It is one statement for all sessions, which does
 * nothing if there are no subscribers, and does not write to cursors that are due already. Returns the number of
 * changed cursors. Must be called inside the transaction of a commit.
 */
export function stirCursors(database: Database, stirred: Stirred, now: number): number {
  if (stirred.size === 0) return 0
  return database.run(
    `INSERT INTO subscriber_cursor (session_id, subscriber, agent, seq, due_at, stirred, behind_since)
     SELECT session.id, subscriber.name, subscriber.agent, each.value ->> 1, ?, 1, ?
     FROM subscriber CROSS JOIN json_each(?) AS each
     JOIN session ON session.id = each.value ->> 0 AND session.agent = subscriber.agent
     WHERE subscriber.forgotten_since IS NULL
     ON CONFLICT (session_id, subscriber) DO UPDATE SET stirred = 1,
       due_at = coalesce(due_at, excluded.due_at), behind_since = coalesce(behind_since, excluded.behind_since)
     WHERE NOT stirred`,
    now,
    now,
    JSON.stringify([...stirred]),
  )
}
