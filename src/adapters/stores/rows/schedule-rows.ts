import type { Firing, Occurrence, Schedule, ScheduleStep } from "../../../core/ports/store/schedules.ts"
import type { NewSession } from "../../../core/ports/store/session-log.ts"
import type { FiringEffect } from "../rules/firing-effects.ts"
import type { SqlRecord } from "../sql/statement.ts"
import { type Row, readInteger, readNullableText, readText, unescapeText } from "./columns.ts"
import { readTerms } from "./schedule-terms.ts"

/**
 * SQL: the columns of `toSchedule`, except `is_running`. Times are read as texts, because Node's SQLite refuses to
 * return a row with an integer that a number cannot represent.
 */
export const scheduleColumns = `schedule.id, schedule.agent, schedule.tenant, schedule.user_id, schedule.name,
  schedule.origin, schedule.spec, schedule.session_id, schedule.state, schedule.reason, schedule.waiting,
  CAST(schedule.created_at AS TEXT) AS created_at, CAST(schedule.next_at AS TEXT) AS next_at,
  CAST(schedule.wake_at AS TEXT) AS wake_at, schedule.last_run_id, schedule.revision`

/** Returns the schedule of a row. If its terms cannot be used, it is paused with the reason `invalidSchedule`. */
export function toSchedule(row: Row): Schedule {
  return {
    id: readText(row, "id"),
    agent: unescapeText(readText(row, "agent")),
    tenant: unescapeText(readText(row, "tenant")),
    userId: unescapeText(readText(row, "user_id")),
    name: unescapeText(readText(row, "name")),
    origin: readText(row, "origin") as Schedule["origin"],
    sessionId: readNullableText(row, "session_id"),
    ...readTerms(row),
    lastRunId: readNullableText(row, "last_run_id"),
    isRunning: row.is_running === 1 || row.is_running === true,
    revision: readInteger(row, "revision"),
  }
}

/** Returns the session that a firing creates, if it does not exist. */
export function createFiredSession({ agent, tenant, userId }: Schedule, { message }: Firing): NewSession {
  return { id: message.sessionId, agent, tenant, userId, createdAt: message.at }
}

/** Returns the rows of a step: the skipped occurrences before the one that fired. */
export function toOccurrenceRows(
  { skipped, firing }: ScheduleStep,
  effect: FiringEffect | null,
): readonly SqlRecord[] {
  const rows = skipped.map(({ at, outcome, reason }) => {
    return { at, cause: "time", outcome, reason, session_id: null, run_id: null }
  })
  if (firing === null || effect === null) return rows
  const { runId, reason } = effect
  const { at, cause, message } = firing
  const isStarted = runId !== null
  const fired = {
    at,
    cause,
    outcome: isStarted ? "started" : "skipped",
    reason,
    session_id: isStarted ? message.sessionId : null,
    run_id: runId,
  }
  return [...rows, fired]
}

/** SQL: the columns of `toOccurrence`. */
export const occurrenceColumns = "number, at, decided_at, cause, outcome, reason, session_id, run_id"

export function toOccurrence(row: Row): Occurrence {
  return {
    number: readInteger(row, "number"),
    at: readInteger(row, "at"),
    decidedAt: readInteger(row, "decided_at"),
    cause: readText(row, "cause") as Occurrence["cause"],
    outcome: readText(row, "outcome") as Occurrence["outcome"],
    reason: readNullableText(row, "reason"),
    sessionId: readNullableText(row, "session_id"),
    runId: readNullableText(row, "run_id"),
  }
}
