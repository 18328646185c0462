import type { JsonObject } from "../../core/json/json.ts"
import type { Occurrence, Schedule } from "../../core/ports/store/schedules.ts"

/** Returns a schedule in the form of the HTTP API. Times are in ISO 8601. */
export function toWireSchedule({
  id,
  name,
  origin,
  state,
  reason,
  spec,
  nextAt,
  lastRunId,
  ...schedule
}: Schedule) {
  const { cron, every, at, timezone, message, session, overlap, catchUp, limits = {} } = spec
  return {
    id,
    name,
    made_by: origin,
    state,
    reason,
    ...(cron !== undefined && { cron, timezone }),
    ...(every !== undefined && { every }),
    ...(at !== undefined && { at: formatTime(at) }),
    message,
    session,
    session_id: schedule.sessionId,
    overlap,
    catch_up: catchUp,
    ...(limits.maxTurns !== undefined && { max_turns: limits.maxTurns }),
    ...(limits.maxBudgetUsd !== undefined && { max_budget_usd: limits.maxBudgetUsd }),
    next_at: nextAt === null ? null : formatTime(nextAt),
    waiting: schedule.waiting.length,
    last_run_id: lastRunId,
    running: schedule.isRunning,
  }
}

export function toWireOccurrence({ at, decidedAt, cause, outcome, reason, sessionId, runId }: Occurrence) {
  return {
    at: formatTime(at),
    decided_at: formatTime(decidedAt),
    cause,
    outcome,
    reason,
    session_id: sessionId,
    run_id: runId,
  }
}

/** Returns the name and the terms of a request with the names of `ScheduleTerms`. Other members stay unchanged. */
export function parseWireTerms({ name, catch_up, max_turns, max_budget_usd, ...terms }: JsonObject) {
  return {
    name,
    terms: {
      ...terms,
      ...(catch_up !== undefined && { catchUp: catch_up }),
      ...(max_turns !== undefined && { maxTurns: max_turns }),
      ...(max_budget_usd !== undefined && { maxBudgetUsd: max_budget_usd }),
    },
  }
}

function formatTime(at: number): string {
  return new Date(at).toISOString()
}
