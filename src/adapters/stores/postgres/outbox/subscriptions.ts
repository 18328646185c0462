import { randomUUID } from "node:crypto"
import type { Cursor, Subscription, Subscriptions } from "../../../../core/ports/store/subscriptions.ts"
import type { Alarm } from "../../bell.ts"
import { escapeText, readInteger, readText, unescapeText } from "../../rows/columns.ts"
import { toStoredError } from "../../rows/outbox-rows.ts"
import { toCursor, toForgotten } from "../../rows/subscription-rows.ts"
import type { Database, Query } from "../database/database.ts"
import { nowMs } from "../schema.ts"

/**
 * Claims due cursors. Skips a cursor that a concurrent commit is changing. A later claim sees that commit's events.
 */
const claimed = `
  WITH due AS (
    SELECT session_id, subscriber FROM agent_gateway.subscriber_cursor
    WHERE subscriber = $1 AND agent = ANY($2) AND due_at <= ${nowMs}
    ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
  )
  UPDATE agent_gateway.subscriber_cursor AS own
  SET claim = $4, due_at = ${nowMs} + $5, stirred = false, attempts = own.attempts + 1
  FROM due WHERE own.session_id = due.session_id AND own.subscriber = due.subscriber
  RETURNING own.session_id, own.subscriber, own.seq, own.attempts, own.claim,
    NOT EXISTS (SELECT FROM agent_gateway.session WHERE session.id = own.session_id) AS is_gone`

/** Condition for the claimed cursor that the first three parameters identify. */
const own = "WHERE session_id = $1 AND subscriber = $2 AND claim = $3 RETURNING seq"

export function createSubscriptions({ query }: Database, alarm: Alarm): Subscriptions {
  /**
   * Changes a claimed cursor. `sql` ends with `own`, and `values` are its parameters from $4. Resolves to true if the
   * claim is still valid.
   */
  const change = async (cursor: Cursor, sql: string, values: readonly unknown[] = []) => {
    const { sessionId, subscriber, claim } = cursor
    return (await query(sql, [sessionId, escapeText(subscriber), claim, ...values])).length > 0
  }
  return {
    register: (subscriptions) => register(query, subscriptions),
    async claim({ subscriber, agents, limit, leaseMs }) {
      const values = [escapeText(subscriber), agents.map(escapeText), limit, randomUUID(), leaseMs]
      return (await query(claimed, values)).map(toCursor)
    },
    advance: (cursor, seq, { leaseMs }) =>
      change(
        cursor,
        `UPDATE agent_gateway.subscriber_cursor
         SET seq = $4, due_at = ${nowMs} + $5, attempts = 1, last_error = NULL ${own}`,
        [seq, leaseMs],
      ),
    finish: (cursor, seq) =>
      change(
        cursor,
        `UPDATE agent_gateway.subscriber_cursor SET seq = $4, claim = NULL, attempts = 0, last_error = NULL,
           due_at = CASE WHEN stirred THEN ${nowMs} END, behind_since = CASE WHEN stirred THEN ${nowMs} END ${own}`,
        [seq],
      ),
    fail: (cursor, { seq, error, retryInMs }) =>
      change(
        cursor,
        `UPDATE agent_gateway.subscriber_cursor SET attempts = CASE WHEN seq < $4 THEN 1 ELSE attempts END, seq = $4,
           claim = NULL, due_at = ${nowMs} + $5, last_error = $6 ${own}`,
        [seq, retryInMs, toStoredError(error)],
      ),
    release: (cursor, seq) =>
      change(
        cursor,
        `UPDATE agent_gateway.subscriber_cursor SET attempts = CASE WHEN seq < $4 THEN 0 ELSE attempts - 1 END,
           seq = $4, claim = NULL, due_at = ${nowMs} ${own}`,
        [seq],
      ),
    remove: (cursor) => change(cursor, `DELETE FROM agent_gateway.subscriber_cursor ${own}`),
    nextDue: (subscriptions) => findNextDue(query, subscriptions),
    arrivals: ({ signal }) => alarm.rings(signal),
  }
}

async function findNextDue(
  query: Query,
  subscriptions: readonly Subscription[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await query(
    `SELECT wanted.subscriber, min(first.due_at) - ${nowMs} AS due_in
     FROM json_to_recordset($1) AS wanted(subscriber text, agent text), LATERAL (
       SELECT min(own.due_at) AS due_at FROM agent_gateway.subscriber_cursor AS own
       WHERE own.subscriber = wanted.subscriber AND own.agent = wanted.agent AND own.due_at IS NOT NULL) AS first
     WHERE first.due_at IS NOT NULL GROUP BY wanted.subscriber`,
    [formatPairs(subscriptions)],
  )
  return new Map(rows.map((row) => [unescapeText(readText(row, "subscriber")), readInteger(row, "due_in")]))
}

async function register(query: Query, subscriptions: readonly Subscription[]) {
  // The two statements see the same snapshot, so the first one returns the rows as they were before the second one.
  const forgotten = await query(
    `WITH wanted AS (
       SELECT subscriber, agent FROM json_to_recordset($1) AS each(subscriber text, agent text)
     ),
     registered AS (
       INSERT INTO agent_gateway.subscriber (name, agent, seen_at)
       SELECT subscriber, agent, ${nowMs} FROM wanted ORDER BY subscriber, agent
       ON CONFLICT (name, agent) DO UPDATE SET seen_at = excluded.seen_at, forgotten_since = NULL
     )
     SELECT known.name, known.agent, known.forgotten_since FROM agent_gateway.subscriber AS known
     JOIN wanted ON wanted.subscriber = known.name AND wanted.agent = known.agent
     WHERE known.forgotten_since IS NOT NULL`,
    [formatPairs(subscriptions)],
  )
  return forgotten.map(toForgotten)
}

function formatPairs(subscriptions: readonly Subscription[]): string {
  return JSON.stringify(
    subscriptions.map(({ subscriber, agent }) => {
      return { subscriber: escapeText(subscriber), agent: escapeText(agent) }
    }),
  )
}
