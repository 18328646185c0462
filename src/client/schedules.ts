/** A schedule of the user. Times are in ISO 8601. */
export interface StoredSchedule extends NewSchedule {
  readonly id: string
  readonly made_by: "user" | "agent"
  readonly state: "active" | "paused" | "ended"
  /** Reason why the gateway paused it. Null otherwise. */
  readonly reason: string | null
  /** Session that `continue` sends to. */
  readonly session_id: string | null
  /** Null if the schedule is paused or has ended. */
  readonly next_at: string | null
  /** Number of occurrences that wait for an earlier run. */
  readonly waiting: number
  readonly last_run_id: string | null
  /** If true, the last run is open. */
  readonly running: boolean
}

/** The terms of a schedule. Exactly one of `cron`, `every` and `at` is required. */
export interface NewSchedule {
  readonly name: string
  readonly message: string
  readonly cron?: string
  /** Time between two occurrences, such as `15m`. */
  readonly every?: string
  /** Time of the only occurrence, in ISO 8601. */
  readonly at?: string
  /** IANA time zone of `cron`. Default: UTC. */
  readonly timezone?: string
  readonly session?: "fresh" | "continue"
  readonly overlap?: "skip" | "queue"
  readonly catch_up?: "one" | "all" | "none"
  readonly max_turns?: number
  readonly max_budget_usd?: number
}

export interface ScheduleOccurrence {
  readonly at: string
  readonly decided_at: string
  readonly cause: "time" | "manual"
  readonly outcome: "started" | "skipped" | "missed"
  /** Reason why no run was started. Null if one was. */
  readonly reason: string | null
  readonly session_id: string | null
  readonly run_id: string | null
}

/** A schedule with its last hundred occurrences, newest first. */
export type ScheduleWithHistory = StoredSchedule & { readonly history: readonly ScheduleOccurrence[] }

/** A change of a schedule. `run` fires it now. */
export type ScheduleAction = "pause" | "resume" | "run" | "remove"

/** Returns the method and the path of a change. */
export function scheduleRequest(id: string, action: ScheduleAction) {
  const path = `/schedules/${encodeURIComponent(id)}`
  return action === "remove"
    ? ({ method: "DELETE", path } as const)
    : ({ method: "POST", path: `${path}/${action}`, body: {} } as const)
}
