import type { RunOutput } from "../run/run-output.ts"
import type { TickOutcome } from "./state.ts"

/** The data for the function that does the work of a heartbeat. */
export interface HeartbeatTick {
  /** Counts ticks from 1, including those before restarts. */
  readonly number: number
  /**
   * Id of the work of this tick. It is the same if the tick is repeated after a crash. Pass it to `runAutonomous` or
   * `runSession`.
   */
  readonly jobId: string
  /** The text of the checklist. Null if there is none. */
  readonly checklist: string | null
  /** US dollars left of the day's budget. Null if there is no budget. */
  readonly maxBudgetUsd: number | null
  /** Aborted when the loop must end at once. */
  readonly signal: AbortSignal
}

/** Reason why a tick did no work. */
export type SkipReason = "outside_active_hours" | "empty_checklist" | "daily_budget_spent"

/** One tick, as `onTick` receives it. */
export interface TickResult {
  /** Null if the tick was skipped, or `run` rejected. */
  readonly output: RunOutput | null
  readonly outcome: TickOutcome
  readonly skipped: boolean
  readonly skipReason: SkipReason | null
  /** If true, the response needs the attention of a person. */
  readonly alert: boolean
  readonly error: string | null
  /** The response without `HEARTBEAT_OK`. */
  readonly strippedResponse: string
  readonly tickNumber: number
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationSeconds: number
  /** End of the pause after too many failed ticks in a row. Null if there is no pause. */
  readonly pausedUntil: number | null
}
