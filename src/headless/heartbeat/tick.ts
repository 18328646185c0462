import type { RunOutput } from "../run/run-output.ts"
import type { TickOutcome } from "./state.ts"

/** The data that a heartbeat passes to the function that does its work. */
export interface HeartbeatTick {
  /** Counts ticks from 1, over restarts. */
  readonly number: number
  /**
   * Names the work of this tick: the same when the tick is repeated after a crash. Give it to `runAutonomous` or
   * `runSession`.
   */
  readonly jobId: string
  /** The text of the checklist; null without one. */
  readonly checklist: string | null
  /** US dollars that are left of the day's budget; null without one. */
  readonly maxBudgetUsd: number | null
  /** Aborted when the loop is told to end at once. */
  readonly signal: AbortSignal
}

/** Reason that a tick did no work. */
export type SkipReason = "outside_active_hours" | "empty_checklist" | "daily_budget_spent"

/** One tick, as `onTick` receives it. */
export interface TickResult {
  /** Null if the tick was skipped, or `run` rejected. */
  readonly output: RunOutput | null
  readonly outcome: TickOutcome
  readonly skipped: boolean
  readonly skipReason: SkipReason | null
  /** If true, a person should read the response. */
  readonly alert: boolean
  readonly error: string | null
  /** The response without `HEARTBEAT_OK`. */
  readonly strippedResponse: string
  readonly tickNumber: number
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationSeconds: number
  /** End of the pause that follows, because too many ticks failed in a row; null without one. */
  readonly pausedUntil: number | null
}
