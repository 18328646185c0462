import type { RunLimits } from "./runs/child.ts"

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

/** The source of the schedule: the options of the agent, a user, or the agent itself. */
export type ScheduleOrigin = "options" | "user" | "agent"

/** `ended`: the schedule has no further occurrence. */
export type ScheduleState = "active" | "paused" | "ended"
