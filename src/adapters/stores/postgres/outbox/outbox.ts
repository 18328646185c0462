import { randomUUID } from "node:crypto"
import { commandKind, type Outbox, type RowChoice } from "../../../../core/ports/store/outbox.ts"
import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import type { Alarm } from "../../bell.ts"
import { escapeText, readInteger, readText, unescapeText } from "../../rows/columns.ts"
import { rowColumns, toClaimedItem, toOutboxRow, toStoredError } from "../../rows/outbox-rows.ts"
import type { Versions } from "../../rules/versions.ts"
import type { Database, Query } from "../database/database.ts"
import { nowMs } from "../schema.ts"
import { deliverCommand } from "./outbox-commands.ts"

/** Claims the first due rows, up to a limit and a number of bytes. Skips rows that others are claiming. */
const claimed = `
  WITH due AS (
    SELECT number, due_at, bytes FROM agent_gateway.outbox WHERE kind = $1 AND due_at <= ${nowMs}
    ORDER BY due_at, number LIMIT $2 FOR UPDATE SKIP LOCKED
  ),
  fitting AS (
    SELECT number FROM (
      SELECT number, sum(bytes) OVER (ORDER BY due_at, number) - bytes AS bytes_before FROM due
    ) AS summed WHERE bytes_before < $3
  )
  UPDATE agent_gateway.outbox SET interrupted = outbox.interrupted OR outbox.claim IS NOT NULL, claim = $4,
    due_at = ${nowMs} + $5, attempts = outbox.attempts + 1
  FROM fitting WHERE outbox.number = fitting.number
  RETURNING outbox.number, outbox.id, outbox.session_id, outbox.kind, outbox.payload, outbox.attempts, outbox.claim,
    outbox.interrupted`

export function createOutbox(
  database: Database,
  {
    versions,
    alarm,
    onArrival,
  }: {
    readonly versions: Versions
    readonly alarm: Alarm
    readonly onArrival: (sessionId: string) => void
  },
): Outbox {
  const { query } = database
  return {
    async claim({ kind, limit, maxBytes, leaseMs }) {
      const rows = await query(claimed, [escapeText(kind), limit, maxBytes, randomUUID(), leaseMs])
      return rows.map(toClaimedItem).sort((a, b) => a.number - b.number)
    },
    async complete({ number, claim }) {
      const sql = "DELETE FROM agent_gateway.outbox WHERE number = $1 AND claim = $2 RETURNING number"
      return (await query(sql, [number, claim])).length > 0
    },
    async fail({ number, claim }, { error, retryInMs }) {
      const failed = await query(
        `UPDATE agent_gateway.outbox SET claim = NULL, interrupted = false, due_at = ${nowMs} + $3::bigint,
           died_at = CASE WHEN $3::bigint IS NULL THEN ${nowMs} END, last_error = $4
         WHERE number = $1 AND claim = $2 RETURNING number`,
        [number, claim, retryInMs, toStoredError(error)],
      )
      return failed.length > 0
    },
    async release({ number, claim }, { begun }) {
      await query(
        `UPDATE agent_gateway.outbox SET claim = NULL, interrupted = interrupted OR $3, due_at = ${nowMs},
           attempts = attempts - 1
         WHERE number = $1 AND claim = $2`,
        [number, claim, begun],
      )
    },
    async nextDue(kinds) {
      const rows = await query(
        `SELECT wanted.kind, first.due_at - ${nowMs} AS due_in FROM unnest($1::text[]) AS wanted(kind), LATERAL (
           SELECT min(outbox.due_at) AS due_at FROM agent_gateway.outbox
           WHERE outbox.kind = wanted.kind AND outbox.due_at IS NOT NULL) AS first
         WHERE first.due_at IS NOT NULL`,
        [kinds.map(escapeText)],
      )
      return new Map(rows.map((row) => [unescapeText(readText(row, "kind")), readInteger(row, "due_in")]))
    },
    async deliverCommands({ limit }) {
      const deliveries = []
      const due = await query(
        `SELECT number FROM agent_gateway.outbox WHERE kind = $1 AND due_at <= ${nowMs}
         ORDER BY due_at, number LIMIT $2`,
        [commandKind, limit],
      )
      for (const row of due) {
        const delivery = await deliverCommand(database, readInteger(row, "number"), versions)
        if (delivery === null) continue
        if (delivery.result.type === "delivered" && delivery.to !== null) onArrival(delivery.to)
        deliveries.push(delivery)
      }
      return deliveries
    },
    async rows({ state, kind, sessionId, tenant, after = 0, limit }) {
      const rows = await query(
        `SELECT ${rowColumns} FROM agent_gateway.outbox
         WHERE number > $1 AND ($2::boolean IS NULL OR (died_at IS NULL) = $2)
           AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR session_id = $4)
           AND ($6::text IS NULL OR session_id IN (SELECT id FROM agent_gateway.session WHERE tenant = $6))
         ORDER BY number LIMIT $5`,
        [
          after,
          state === undefined ? null : state === "waiting",
          kind === undefined ? null : escapeText(kind),
          sessionId === undefined ? null : escapeText(sessionId),
          limit,
          tenant === undefined ? null : escapeText(tenant),
        ],
      )
      return rows.map(toOutboxRow)
    },
    async retry(numbers) {
      const retried = await query(
        `UPDATE agent_gateway.outbox SET due_at = ${nowMs}, died_at = NULL, attempts = 0, interrupted = false
         WHERE died_at IS NOT NULL AND number = ANY($1::bigint[]) RETURNING number`,
        [numbers],
      )
      if (retried.length > 0) alarm.ring()
      return retried.length
    },
    async drop(choice) {
      const [chosen, values] = choose(choice)
      const sql = `DELETE FROM agent_gateway.outbox WHERE number IN (${chosen}) RETURNING number`
      return (await query(sql, values)).length
    },
    arrivals: ({ signal }) => alarm.rings(signal),
  }
}

/** SQL: the numbers of the selected rows, and its parameters. */
function choose(choice: RowChoice): readonly [sql: string, values: readonly unknown[]] {
  if ("numbers" in choice) return ["SELECT unnest($1::bigint[])", [choice.numbers]]
  const kind = choice.kind === undefined ? null : escapeText(choice.kind)
  return [
    `SELECT number FROM agent_gateway.outbox WHERE died_at IS NOT NULL AND ($1::text IS NULL OR kind = $1)
     ORDER BY number LIMIT $2`,
    [kind, choice.limit],
  ]
}

/**
 * Deletes items that the sessions no longer need, in the transaction of their commit. Skips commands that are being
 * delivered, because their delivery may wait for a session of this transaction.
 */
export async function deleteDroppedItems(query: Query, batches: readonly SessionBatch[]): Promise<void> {
  const dropped = batches.flatMap(({ lease: { sessionId }, outboxDropped = [] }) =>
    outboxDropped.map((id) => ({ session_id: sessionId, id: escapeText(id) })),
  )
  if (dropped.length === 0) return
  await query(
    `DELETE FROM agent_gateway.outbox WHERE number IN (
       SELECT outbox.number FROM agent_gateway.outbox
       JOIN json_to_recordset($1) AS each(session_id text, id text) USING (session_id, id)
       FOR UPDATE OF outbox SKIP LOCKED)`,
    [JSON.stringify(dropped)],
  )
}
