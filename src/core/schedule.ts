import type { RunLimits } from "./runs/child.ts"
import type { TurnLimit } from "./runs/turn-limit.ts"

/** The time, the message and the rules of a schedule. Exactly one of `cron`, `every` and `at` is set. */
export interface ScheduleSpec {
  /** Cron expression of five fields, or six with seconds first, in `timezone`. */
  readonly cron?: string
  /** Time between two occurrences: a number and a unit, such as `30s`, `15m`, `6h` or `7d`. */
  readonly every?: string
  /** Time of the only occurrence, in milliseconds since the Unix epoch. */
  readonly at?: number
  /** IANA name of the time zone of `cron`. */
  readonly timezone: string
  /** The text that each occurrence sends to the agent. */
  readonly message: string
  /** `fresh`: each occurrence has a session of its own. `continue`: all have the same session. */
  readonly session: "fresh" | "continue"
  /**
   * Decides about an occurrence whose schedule or session still has an open run: `skip` leaves it out, `queue` makes
   * it wait.
   */
  readonly overlap: "skip" | "queue"
  /** Decides about occurrences that no process was running to fire: `one` of them fires, `all` of them, or `none`. */
  readonly catchUp: "one" | "all" | "none"
  /** Limits of each run, besides those of the agent. */
  readonly limits?: RunLimits
}

/** The time, the message and the rules of a schedule in the form for callers. */
export interface ScheduleTerms extends TurnLimit {
  /** Cron expression of five fields, or six with seconds first. Either this, `every` or `at`. */
  readonly cron?: string
  /** Time between two occurrences, such as `30s`, `15m`, `6h` or `7d`. At most 36 500 days. */
  readonly every?: string
  /** Time of the only occurrence in ISO 8601, such as `2026-12-24T18:00:00+01:00`. */
  readonly at?: string
  /** IANA name of the time zone of `cron`. Default `UTC`. */
  readonly timezone?: string
  /** The text that each occurrence sends to the agent: at most 16 384 characters. */
  readonly message: string
  /** `fresh`: a new session each time. `continue`: always the same session. Default `fresh`. */
  readonly session?: ScheduleSpec["session"]
  /**
   * Decides about an occurrence while the previous run is open: `skip` leaves it out, `queue` makes it wait. Default
   * `skip`; for `at`, `queue`.
   */
  readonly overlap?: ScheduleSpec["overlap"]
  /**
   * Decides about occurrences that were missed by more than a minute because no server was running: `one` of them
   * fires, `all` of the last hundred, or `none`. Default `one`.
   */
  readonly catchUp?: ScheduleSpec["catchUp"]
  /** Maximum cost of each run in US dollars. Default: the budget of the agent. */
  readonly maxBudgetUsd?: number
}

/** The source of the schedule: the options of the agent, a user, or the agent itself. */
export type ScheduleOrigin = "options" | "user" | "agent"

/** `ended`: the schedule has no further occurrence. */
export type ScheduleState = "active" | "paused" | "ended"
