import { randomUUID } from "node:crypto"
import { commandKind, type Outbox, type RowChoice } from "../../../../core/ports/store/outbox.ts"
import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import type { Clock } from "../../../../core/time/clock.ts"
import type { Alarm } from "../../bell.ts"
import { escapeText, readInteger, readText, unescapeText } from "../../rows/columns.ts"
import {
  createOutboxRows,
  rowColumns,
  toClaimedItem,
  toOutboxRow,
  toStoredError,
} from "../../rows/outbox-rows.ts"
import type { Versions } from "../../rules/versions.ts"
import type { WatchHub } from "../../watch-hub.ts"
import type { Database } from "../database/database.ts"
import { moveCommand } from "./outbox-commands.ts"

export interface OutboxParts {
  readonly clock: Clock
  readonly versions: Versions
  /** Rung when rows are stored. */
  readonly alarm: Alarm
  readonly hub: WatchHub
}

/** Selects the first due rows, up to a limit and a number of bytes. */
const claimed = `
  UPDATE outbox SET interrupted = (interrupted OR claim IS NOT NULL), claim = ?, due_at = ?, attempts = attempts + 1
  WHERE number IN (
    SELECT number FROM (
      SELECT number, sum(bytes) OVER (ORDER BY due_at, number) - bytes AS bytes_before FROM (
        SELECT number, due_at, bytes FROM outbox WHERE kind = ? AND due_at <= ? ORDER BY due_at, number LIMIT ?))
    WHERE bytes_before < ?)
  RETURNING number, id, session_id, kind, payload, attempts, claim, interrupted`

export function createOutbox(database: Database, { clock, versions, alarm, hub }: OutboxParts): Outbox {
  const now = () => clock.now()
  return {
    async claim({ kind, limit, maxBytes, leaseMs }) {
      const rows = await database.write(() =>
        database.all(claimed, randomUUID(), now() + leaseMs, escapeText(kind), now(), limit, maxBytes),
      )
      return rows.map(toClaimedItem).sort((a, b) => a.number - b.number)
    },
    complete: ({ number, claim }) =>
      database.write(
        () => database.run("DELETE FROM outbox WHERE number = ? AND claim = ?", number, claim) > 0,
      ),
    fail: ({ number, claim }, { error, retryInMs }) =>
      database.write(() => {
        const [dueAt, diedAt] = retryInMs === null ? [null, now()] : [now() + retryInMs, null]
        const sql = `UPDATE outbox SET claim = NULL, interrupted = 0, due_at = ?, died_at = ?, last_error = ?
          WHERE number = ? AND claim = ?`
        return database.run(sql, dueAt, diedAt, toStoredError(error), number, claim) > 0
      }),
    release: ({ number, claim }, { begun }) =>
      database.write(() => {
        database.run(
          `UPDATE outbox SET claim = NULL, interrupted = (interrupted OR ?), due_at = ?, attempts = attempts - 1
           WHERE number = ? AND claim = ?`,
          Number(begun),
          now(),
          number,
          claim,
        )
      }),
    async nextDue(kinds) {
      const rows = await database.read(() =>
        database.all(
          `SELECT each.value AS kind, (
             SELECT min(outbox.due_at) FROM outbox WHERE outbox.kind = each.value AND outbox.due_at IS NOT NULL
           ) AS due_at FROM json_each(?) AS each`,
          JSON.stringify(kinds.map(escapeText)),
        ),
      )
      const due = rows.filter((row) => row.due_at !== null)
      return new Map(
        due.map((row) => [unescapeText(readText(row, "kind")), readInteger(row, "due_at") - now()]),
      )
    },
    async deliverCommands({ limit }) {
      const numbers = await database.read(() =>
        database
          .all(
            "SELECT number FROM outbox WHERE kind = ? AND due_at <= ? ORDER BY due_at, number LIMIT ?",
            commandKind,
            now(),
            limit,
          )
          .map((row) => readInteger(row, "number")),
      )
      const deliveries = await Promise.all(
        numbers.map((number) =>
          moveCommand(database, number, { now: now(), versions, arrived: hub.arrived }),
        ),
      )
      return deliveries.filter((delivery) => {
        if (delivery?.result.type === "delivered" && delivery.to !== null) hub.arrived(delivery.to)
        return delivery !== null
      })
    },
    rows: ({ state, kind, sessionId, tenant, after = 0, limit }) =>
      database.read(() =>
        database
          .all(
            `SELECT ${rowColumns} FROM outbox WHERE number > ? AND (? IS NULL OR (died_at IS NULL) = ?)
             AND (? IS NULL OR kind = ?) AND (? IS NULL OR session_id = ?)
             AND (? IS NULL OR session_id IN (SELECT id FROM session WHERE tenant = ?)) ORDER BY number LIMIT ?`,
            after,
            ...repeatValue(state === undefined ? null : Number(state === "waiting")),
            ...repeatValue(kind === undefined ? null : escapeText(kind)),
            ...repeatValue(sessionId === undefined ? null : escapeText(sessionId)),
            ...repeatValue(tenant === undefined ? null : escapeText(tenant)),
            limit,
          )
          .map(toOutboxRow),
      ),
    async retry(numbers) {
      const sql = `UPDATE outbox SET due_at = ?, died_at = NULL, attempts = 0, interrupted = 0
        WHERE died_at IS NOT NULL AND number IN (SELECT value FROM json_each(?))`
      const count = await database.write(() => database.run(sql, now(), JSON.stringify(numbers)))
      if (count > 0) alarm.ring()
      return count
    },
    drop(choice) {
      const [chosen, values] = choose(choice)
      return database.write(() => database.run(`DELETE FROM outbox WHERE number IN (${chosen})`, ...values))
    },
    arrivals: ({ signal }) => alarm.rings(signal),
  }
}

function repeatValue<Value>(value: Value): [Value, Value] {
  return [value, value]
}

/** SQL: the numbers of the selected rows, and its parameters. */
function choose(choice: RowChoice): readonly [sql: string, values: readonly (string | number | null)[]] {
  if ("numbers" in choice) return ["SELECT value FROM json_each(?)", [JSON.stringify(choice.numbers)]]
  const kind = choice.kind === undefined ? null : escapeText(choice.kind)
  return [
    `SELECT number FROM outbox WHERE died_at IS NOT NULL AND (? IS NULL OR kind = ?) ORDER BY number LIMIT ?`,
    [kind, kind, choice.limit],
  ]
}

/** Inserts outbox items. Must be called inside the transaction of the commit. */
export function insertOutbox(database: Database, batch: SessionBatch, now: number): void {
  for (const { session_id, id, kind, payload, bytes, due_at } of createOutboxRows(batch)) {
    database.run(
      `INSERT INTO outbox (session_id, id, kind, payload, bytes, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (session_id, id) DO NOTHING`,
      session_id,
      id,
      kind,
      payload,
      bytes,
      now,
      due_at ?? now,
    )
  }
}

/** Deletes items that the session no longer needs. Must be called inside the transaction of the commit. */
export function deleteDroppedItems(database: Database, { lease, outboxDropped = [] }: SessionBatch): void {
  for (const id of outboxDropped) {
    database.run("DELETE FROM outbox WHERE session_id = ? AND id = ?", lease.sessionId, escapeText(id))
  }
}
