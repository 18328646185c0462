import { setTimeout as delay } from "node:timers/promises"
import type { PruneLimits } from "../../../core/ports/store/prune-limits.ts"
import { type Sql, type SqlDatabase, schema, sql } from "./statement.ts"

/** Maximum rows that one statement deletes, so that it ends soon (rule 15). */
const rowsAtOnce = 100
/** Milliseconds of the pause after a statement, which leaves the event loop and the database to the streams. */
const pauseMs = 4

/** Forgets subscriptions that no process has registered for long, with their cursors. */
export async function pruneSubscribers(
  { write }: SqlDatabase,
  { subscribersSeenBefore }: PruneLimits,
): Promise<void> {
  if (subscribersSeenBefore === undefined) return
  await write(sql`UPDATE ${schema}subscriber SET forgotten_since = seen_at
    WHERE seen_at < ${subscribersSeenBefore} AND forgotten_since IS NULL`)
  const statement = sql`DELETE FROM ${schema}subscriber_cursor WHERE (session_id, subscriber) IN (
      SELECT own.session_id, own.subscriber FROM ${schema}subscriber_cursor AS own
      JOIN ${schema}subscriber AS known ON known.name = own.subscriber AND known.agent = own.agent
      WHERE known.forgotten_since IS NOT NULL LIMIT ${rowsAtOnce}
    ) RETURNING seq`
  await repeat(write, statement)
}

/** Deletes items whose delivery failed long ago. */
export async function pruneOutbox({ write }: SqlDatabase, { outboxDiedBefore }: PruneLimits): Promise<void> {
  if (outboxDiedBefore === undefined) return
  const statement = sql`DELETE FROM ${schema}outbox WHERE number IN (
      SELECT number FROM ${schema}outbox WHERE died_at < ${outboxDiedBefore} LIMIT ${rowsAtOnce}
    ) RETURNING number`
  await repeat(write, statement)
}

/** Repeats a statement until it deletes nothing more. */
async function repeat(write: SqlDatabase["write"], statement: Sql): Promise<void> {
  while ((await write(statement)).length === rowsAtOnce) await delay(pauseMs)
}
