import { randomUUID } from "node:crypto"
import type { Cursor, Subscription, Subscriptions } from "../../../../core/ports/store/subscriptions.ts"
import type { Clock } from "../../../../core/time/clock.ts"
import type { Alarm } from "../../bell.ts"
import { escapeText, readInteger, readText, unescapeText } from "../../rows/columns.ts"
import { toStoredError } from "../../rows/outbox-rows.ts"
import { type Stirred, toCursor, toForgotten } from "../../rows/subscription-rows.ts"
import type { Database } from "../database/database.ts"

const claimed = `
  UPDATE subscriber_cursor SET claim = ?, due_at = ?, stirred = 0, attempts = attempts + 1
  WHERE (session_id, subscriber) IN (
    SELECT session_id, subscriber FROM subscriber_cursor
    WHERE subscriber = ? AND agent IN (SELECT value FROM json_each(?)) AND due_at <= ?
    ORDER BY due_at LIMIT ?)
  RETURNING session_id, subscriber, seq, attempts, claim,
    NOT EXISTS (SELECT 1 FROM session WHERE session.id = subscriber_cursor.session_id) AS is_gone`

/** Condition for the claimed cursor that its last three parameters identify. */
const own = "WHERE session_id = ? AND subscriber = ? AND claim = ?"

export function createSubscriptions(
  database: Database,
  { clock, alarm }: { readonly clock: Clock; readonly alarm: Alarm },
): Subscriptions {
  const now = () => clock.now()
  /** Changes a claimed cursor. `changes` is SQL with these values. Resolves to true if the claim is still valid. */
  const change = (cursor: Cursor, changes: string, values: readonly (string | number)[]) =>
    database.write(
      () =>
        database.run(
          `UPDATE subscriber_cursor SET ${changes} ${own}`,
          ...values,
          cursor.sessionId,
          escapeText(cursor.subscriber),
          cursor.claim,
        ) > 0,
    )
  return {
    register: (subscriptions) => database.write(() => register(database, subscriptions, now())),
    async claim({ subscriber, agents, limit, leaseMs }) {
      const rows = await database.write(() =>
        database.all(
          claimed,
          randomUUID(),
          now() + leaseMs,
          escapeText(subscriber),
          JSON.stringify(agents.map(escapeText)),
          now(),
          limit,
        ),
      )
      return rows.map(toCursor)
    },
    advance: (cursor, seq, { leaseMs }) =>
      change(cursor, "seq = ?, due_at = ?, attempts = 1, last_error = NULL", [seq, now() + leaseMs]),
    finish: (cursor, seq) =>
      change(
        cursor,
        `seq = ?, claim = NULL, attempts = 0, last_error = NULL,
         due_at = iif(stirred, ?, NULL), behind_since = iif(stirred, ?, NULL)`,
        [seq, now(), now()],
      ),
    fail: (cursor, { seq, error, retryInMs }) =>
      change(
        cursor,
        "attempts = iif(seq < ?, 1, attempts), seq = ?, claim = NULL, due_at = ?, last_error = ?",
        [seq, seq, now() + retryInMs, toStoredError(error)],
      ),
    release: (cursor, seq) =>
      change(cursor, "attempts = iif(seq < ?, 0, attempts - 1), seq = ?, claim = NULL, due_at = ?", [
        seq,
        seq,
        now(),
      ]),
    remove: ({ sessionId, subscriber, claim }) =>
      database.write(
        () =>
          database.run(`DELETE FROM subscriber_cursor ${own}`, sessionId, escapeText(subscriber), claim) > 0,
      ),
    async nextDue(subscriptions) {
      const rows = await database.read(() =>
        database.all(
          `SELECT each.value ->> 0 AS subscriber, (SELECT min(own.due_at) FROM subscriber_cursor AS own
             WHERE own.subscriber = each.value ->> 0 AND own.agent = each.value ->> 1 AND own.due_at IS NOT NULL
           ) AS due_at FROM json_each(?) AS each`,
          formatPairs(subscriptions),
        ),
      )
      const next = new Map<string, number>()
      for (const row of rows) {
        if (row.due_at === null) continue
        const subscriber = unescapeText(readText(row, "subscriber"))
        const dueInMs = readInteger(row, "due_at") - now()
        next.set(subscriber, Math.min(next.get(subscriber) ?? dueInMs, dueInMs))
      }
      return next
    },
    arrivals: ({ signal }) => alarm.rings(signal),
  }
}

/** Registers subscriptions. Must be called inside a transaction. */
function register(database: Database, subscriptions: readonly Subscription[], now: number) {
  const pairs = formatPairs(subscriptions)
  const forgotten = database.all(
    `SELECT name, agent, forgotten_since FROM subscriber
     WHERE forgotten_since IS NOT NULL AND (name, agent) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
    pairs,
  )
  database.run(
    `INSERT INTO subscriber (name, agent, seen_at) SELECT value ->> 0, value ->> 1, ? FROM json_each(?) WHERE true
     ON CONFLICT (name, agent) DO UPDATE SET seen_at = excluded.seen_at, forgotten_since = NULL`,
    now,
    pairs,
  )
  return forgotten.map(toForgotten)
}

function formatPairs(subscriptions: readonly Subscription[]): string {
  return JSON.stringify(
    subscriptions.map(({ subscriber, agent }) => [escapeText(subscriber), escapeText(agent)]),
  )
}

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
