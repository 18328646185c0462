import type {
  Firing,
  NewSchedule,
  Occurrence,
  Schedule,
  ScheduleStep,
} from "../../../core/ports/store/schedules.ts"
import type { NewSession } from "../../../core/ports/store/session-log.ts"
import type { FiringEffect } from "../rules/firing-effects.ts"
import { escapeText, type Row, readInteger, readNullableText, readText, unescapeText } from "./columns.ts"
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

/** Returns the schedule as a list of values in the order of the columns up to `last_run_id`. */
export function toScheduleValues(schedule: NewSchedule): readonly (string | number | null)[] {
  const { id, agent, tenant, userId, name, origin, spec, sessionId, createdAt, nextAt, wakeAt } = schedule
  const owner = [agent, tenant, userId, name].map(escapeText)
  const state = nextAt === null ? "ended" : "active"
  return [id, ...owner, origin, JSON.stringify(spec), sessionId, createdAt, state, null, nextAt, "[]", wakeAt]
}

/** The columns that a step writes. */
export interface ChangedColumns {
  readonly spec: string
  readonly session_id: string | null
  readonly created_at: number
  readonly state: string
  readonly reason: string | null
  readonly next_at: number | null
  readonly waiting: string
  readonly wake_at: number | null
  readonly last_run_id: string | null
}

/** Returns the row after a step whose firing, if it has one, had this effect. */
export function computeChangedColumns(
  { schedule, change }: ScheduleStep,
  effect: FiringEffect | null,
): ChangedColumns {
  const changed = { ...schedule, ...change, ...effect?.change }
  return {
    spec: JSON.stringify(changed.spec),
    session_id: changed.sessionId,
    created_at: changed.createdAt,
    state: changed.state,
    reason: changed.reason,
    next_at: changed.nextAt,
    waiting: JSON.stringify(changed.waiting),
    wake_at: changed.wakeAt,
    last_run_id: effect?.runId ?? changed.lastRunId,
  }
}

/** Returns the session that a firing creates, if it does not exist. */
export function createFiredSession({ agent, tenant, userId }: Schedule, { message }: Firing): NewSession {
  return { id: message.sessionId, agent, tenant, userId, createdAt: message.at }
}

/** An occurrence as it is stored. */
export interface NewOccurrenceRow {
  readonly at: number
  readonly cause: string
  readonly outcome: string
  readonly reason: string | null
  readonly session_id: string | null
  readonly run_id: string | null
}

/** Returns the rows of a step: the skipped occurrences before the one that fired. */
export function toOccurrenceRows(
  { skipped, firing }: ScheduleStep,
  effect: FiringEffect | null,
): readonly NewOccurrenceRow[] {
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
