import { randomUUID } from "node:crypto"
import type { Cursor, Subscription, Subscriptions } from "../../../core/ports/store/subscriptions.ts"
import type { Alarm } from "../bell.ts"
import { escapeText, readInteger, readText, unescapeText } from "../rows/columns.ts"
import { toStoredError } from "../rows/outbox-rows.ts"
import { toCursor, toForgotten } from "../rows/subscription-rows.ts"
import {
  isOneOfTexts,
  lockRows,
  now,
  records,
  type Sql,
  type SqlDatabase,
  type Steps,
  schema,
  sql,
} from "./statement.ts"

export function createSubscriptions({ read, write, transaction }: SqlDatabase, alarm: Alarm): Subscriptions {
  /** Changes a claimed cursor. Resolves to true if the claim is still valid. */
  const change = async (cursor: Cursor, changes: Sql) =>
    (await write(sql`UPDATE ${schema}subscriber_cursor SET ${changes} ${isClaimed(cursor)} RETURNING seq`))
      .length > 0
  return {
    register: (subscriptions) => transaction(() => register(subscriptions)),
    async claim({ subscriber, agents, limit, leaseMs }) {
      // Skips a cursor that a concurrent commit is changing. A later claim sees that commit's events.
      const rows = await write(sql`
        WITH due AS (
          SELECT session_id, subscriber FROM ${schema}subscriber_cursor
          WHERE subscriber = ${escapeText(subscriber)} AND ${isOneOfTexts("agent", agents.map(escapeText))}
            AND due_at <= ${now}
          ORDER BY due_at LIMIT ${limit} ${lockRows("FOR UPDATE SKIP LOCKED")}
        )
        UPDATE ${schema}subscriber_cursor SET claim = ${randomUUID()}, due_at = ${now} + ${leaseMs},
          stirred = false, attempts = attempts + 1
        WHERE (session_id, subscriber) IN (SELECT session_id, subscriber FROM due)
        RETURNING session_id, subscriber, seq, attempts, claim, NOT EXISTS (
          SELECT 1 FROM ${schema}session WHERE session.id = subscriber_cursor.session_id) AS is_gone`)
      return rows.map(toCursor)
    },
    advance: (cursor, seq, { leaseMs }) =>
      change(cursor, sql`seq = ${seq}, due_at = ${now} + ${leaseMs}, attempts = 1, last_error = NULL`),
    finish: (cursor, seq) =>
      change(
        cursor,
        sql`seq = ${seq}, claim = NULL, attempts = 0, last_error = NULL,
          due_at = CASE WHEN stirred THEN ${now} END, behind_since = CASE WHEN stirred THEN ${now} END`,
      ),
    fail: (cursor, { seq, error, retryInMs }) =>
      change(
        cursor,
        sql`attempts = CASE WHEN seq < ${seq} THEN 1 ELSE attempts END, seq = ${seq}, claim = NULL,
          due_at = ${now} + ${retryInMs}, last_error = ${toStoredError(error)}`,
      ),
    release: (cursor, seq) =>
      change(
        cursor,
        sql`attempts = CASE WHEN seq < ${seq} THEN 0 ELSE attempts - 1 END, seq = ${seq}, claim = NULL,
          due_at = ${now}`,
      ),
    async remove(cursor) {
      const removed = await write(
        sql`DELETE FROM ${schema}subscriber_cursor ${isClaimed(cursor)} RETURNING seq`,
      )
      return removed.length > 0
    },
    async nextDue(subscriptions) {
      const rows = await read(sql`SELECT wanted.subscriber, (
          SELECT min(own.due_at) FROM ${schema}subscriber_cursor AS own
          WHERE own.subscriber = wanted.subscriber AND own.agent = wanted.agent AND own.due_at IS NOT NULL
        ) - ${now} AS due_in FROM ${toRecords(subscriptions)} AS wanted`)
      const next = new Map<string, number>()
      for (const row of rows) {
        if (row.due_in === null) continue
        const subscriber = unescapeText(readText(row, "subscriber"))
        const dueInMs = readInteger(row, "due_in")
        next.set(subscriber, Math.min(next.get(subscriber) ?? dueInMs, dueInMs))
      }
      return next
    },
    arrivals: ({ signal }) => alarm.rings(signal),
  }
}

/** Selects the cursor while this claim is valid. */
function isClaimed({ sessionId, subscriber, claim }: Cursor): Sql {
  return sql`WHERE session_id = ${sessionId} AND subscriber = ${escapeText(subscriber)} AND claim = ${claim}`
}

/** Registers subscriptions. Returns those that were forgotten before. */
function* register(subscriptions: readonly Subscription[]): Steps<ReturnType<typeof toForgotten>[]> {
  const wanted = toRecords(subscriptions)
  const forgotten = yield sql`SELECT known.name, known.agent, known.forgotten_since
    FROM ${schema}subscriber AS known
    JOIN ${wanted} AS wanted ON wanted.subscriber = known.name AND wanted.agent = known.agent
    WHERE known.forgotten_since IS NOT NULL`
  yield sql`INSERT INTO ${schema}subscriber (name, agent, seen_at)
    SELECT subscriber, agent, ${now} FROM ${wanted} AS wanted WHERE true ORDER BY subscriber, agent
    ON CONFLICT (name, agent) DO UPDATE SET seen_at = excluded.seen_at, forgotten_since = NULL`
  return forgotten.map(toForgotten)
}

function toRecords(subscriptions: readonly Subscription[]): Sql {
  const pairs = subscriptions.map(({ subscriber, agent }) => {
    return { subscriber: escapeText(subscriber), agent: escapeText(agent) }
  })
  return records({ subscriber: "text", agent: "text" }, pairs)
}
