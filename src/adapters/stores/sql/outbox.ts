import { randomUUID } from "node:crypto"
import type { CommandDelivery, Outbox, OutboxRow, RowChoice } from "../../../core/ports/store/outbox.ts"
import { commandKind } from "../../../core/ports/store/outbox.ts"
import type { Alarm } from "../bell.ts"
import { escapeText, readInteger, readText, unescapeText } from "../rows/columns.ts"
import { rowColumns, toClaimedItem, toOutboxRow, toStoredError } from "../rows/outbox-rows.ts"
import {
  createText,
  isOneOfNumbers,
  joinConditions,
  lockRows,
  now,
  records,
  type Sql,
  type SqlDatabase,
  schema,
  sql,
} from "./statement.ts"
import { isOfTenant } from "./tenants.ts"

export interface OutboxParts {
  /** Rung when rows become due. */
  readonly alarm: Alarm
  /** Called with each session that a delivered command gives work. */
  readonly onArrival: (sessionId: string) => void
  /**
   * Moves commands into the inboxes of their sessions, each in a transaction. Null for a row that is gone, no longer
   * due, or being moved by another process.
   */
  readonly deliver: (numbers: readonly number[]) => Promise<readonly (CommandDelivery | null)[]>
}

export function createOutbox(
  { read, write }: SqlDatabase,
  { alarm, onArrival, deliver }: OutboxParts,
): Outbox {
  /** Runs the statement, and resolves to the number of rows that it returns. */
  const count = async (statement: Sql) => (await write(statement)).length
  return {
    async claim({ kind, limit, maxBytes, leaseMs }) {
      // Skips rows that others are claiming. The first due rows are taken, up to a limit and a number of bytes.
      const rows = await write(sql`
        WITH due AS (
          SELECT number, due_at, bytes FROM ${schema}outbox WHERE kind = ${escapeText(kind)} AND due_at <= ${now}
          ORDER BY due_at, number LIMIT ${limit} ${lockRows("FOR UPDATE SKIP LOCKED")}
        ),
        fitting AS (
          SELECT number FROM (
            SELECT number, sum(bytes) OVER (ORDER BY due_at, number) - bytes AS bytes_before FROM due
          ) AS summed WHERE bytes_before < ${maxBytes}
        )
        UPDATE ${schema}outbox SET interrupted = (interrupted OR claim IS NOT NULL), claim = ${randomUUID()},
          due_at = ${now} + ${leaseMs}, attempts = attempts + 1
        WHERE number IN (SELECT number FROM fitting)
        RETURNING number, id, session_id, kind, payload, attempts, claim, interrupted`)
      return rows.map(toClaimedItem).sort((a, b) => a.number - b.number)
    },
    complete: async ({ number, claim }) =>
      (await count(
        sql`DELETE FROM ${schema}outbox WHERE number = ${number} AND claim = ${claim} RETURNING number`,
      )) > 0,
    async fail({ number, claim }, { error, retryInMs }) {
      const [dueAt, diedAt] = retryInMs === null ? [sql`NULL`, now] : [sql`${now} + ${retryInMs}`, sql`NULL`]
      const failed =
        await count(sql`UPDATE ${schema}outbox SET claim = NULL, interrupted = false, due_at = ${dueAt},
          died_at = ${diedAt}, last_error = ${toStoredError(error)}
        WHERE number = ${number} AND claim = ${claim} RETURNING number`)
      return failed > 0
    },
    async release({ number, claim }, { begun }) {
      await write(sql`UPDATE ${schema}outbox SET claim = NULL, interrupted = (interrupted OR ${begun}),
          due_at = ${now}, attempts = attempts - 1
        WHERE number = ${number} AND claim = ${claim}`)
    },
    async nextDue(kinds) {
      const wanted = kinds.map((kind) => ({ kind: escapeText(kind) }))
      const rows = await read(sql`SELECT wanted.kind, (
          SELECT min(outbox.due_at) FROM ${schema}outbox
          WHERE outbox.kind = wanted.kind AND outbox.due_at IS NOT NULL
        ) - ${now} AS due_in FROM ${records({ kind: "text" }, wanted)} AS wanted`)
      const due = rows.filter((row) => row.due_in !== null)
      return new Map(due.map((row) => [unescapeText(readText(row, "kind")), readInteger(row, "due_in")]))
    },
    async deliverCommands({ limit }) {
      const due = await read(sql`SELECT number FROM ${schema}outbox WHERE kind = ${commandKind}
        AND due_at <= ${now} ORDER BY due_at, number LIMIT ${limit}`)
      const deliveries = await deliver(due.map((row) => readInteger(row, "number")))
      return deliveries.filter((delivery) => {
        if (delivery?.result.type === "delivered" && delivery.to !== null) onArrival(delivery.to)
        return delivery !== null
      })
    },
    async rows({ state, kind, sessionId, tenant, after = 0, limit }): Promise<readonly OutboxRow[]> {
      const conditions = joinConditions([
        state === undefined ? null : state === "waiting" ? sql`died_at IS NULL` : sql`died_at IS NOT NULL`,
        isOfKind(kind),
        sessionId === undefined ? null : sql`session_id = ${escapeText(sessionId)}`,
        isOfTenant(tenant),
      ])
      const rows = await read(sql`SELECT ${createText(rowColumns)} FROM ${schema}outbox
        WHERE number > ${after} AND ${conditions} ORDER BY number LIMIT ${limit}`)
      return rows.map(toOutboxRow)
    },
    async retry(numbers) {
      const retried =
        await count(sql`UPDATE ${schema}outbox SET due_at = ${now}, died_at = NULL, attempts = 0,
          interrupted = false
        WHERE died_at IS NOT NULL AND ${isOneOfNumbers("number", numbers)} RETURNING number`)
      if (retried > 0) alarm.ring()
      return retried
    },
    drop: (choice) => count(sql`DELETE FROM ${schema}outbox WHERE ${isChosen(choice)} RETURNING number`),
    arrivals: ({ signal }) => alarm.rings(signal),
  }
}

function isChosen(choice: RowChoice): Sql {
  if ("numbers" in choice) return isOneOfNumbers("number", choice.numbers)
  return sql`number IN (SELECT number FROM ${schema}outbox
    WHERE ${joinConditions([sql`died_at IS NOT NULL`, isOfKind(choice.kind)])}
    ORDER BY number LIMIT ${choice.limit})`
}

function isOfKind(kind: string | undefined): Sql | null {
  return kind === undefined ? null : sql`kind = ${escapeText(kind)}`
}
