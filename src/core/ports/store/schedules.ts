import type { ScheduleOrigin, ScheduleSpec, ScheduleState } from "../../schedule.ts"
import type { MessageCommand, Principal } from "./session-log.ts"
import type { StorageLimits } from "./storage-limits.ts"

/**
 * Schedules of all agents, and the history of their occurrences. The store does not compute when a schedule is due
 * next. Its callers compute the time, and write it together with the message of the occurrence.
 */
export interface Schedules {
  /**
   * Stores a schedule, unless its owner has too many, or has one of this name and origin for the agent. Ended
   * schedules are removed to make room for it, the oldest first.
   */
  create(schedule: NewSchedule, bounds: ScheduleBounds): Promise<CreateOutcome>
  find(scheduleId: string): Promise<Schedule | null>
  /** Returns schedules in the order of their ids, at most `limit`. */
  list(query: ScheduleQuery): Promise<readonly Schedule[]>
  /** Returns active schedules of the agent whose `wakeAt` has come, those that are due longest first. */
  due(query: { readonly agent: string; readonly limit: number }): Promise<readonly Schedule[]>
  /**
   * Resolves to the milliseconds until the first `wakeAt` of the agent's schedules, 0 or less if it has come. Null if
   * there is none.
   */
  nextDue(agent: string): Promise<number | null>
  /**
   * Writes a whole step in one transaction, or nothing if the schedule was changed or removed after it was read. Each
   * occurrence therefore fires once, however many processes try.
   */
  advance(step: ScheduleStep): Promise<AdvanceOutcome>
  /** Removes the schedule and its history. Resolves to false if there is no such schedule. */
  remove(scheduleId: string): Promise<boolean>
  /** Resolves to the newest occurrences, newest first. A schedule keeps its last hundred. */
  occurrences(scheduleId: string, limit: number): Promise<readonly Occurrence[]>
}

export interface NewSchedule extends Principal {
  readonly id: string
  /** The agent that works on its messages. */
  readonly agent: string
  /** Unique among the owner's schedules of one origin for this agent. */
  readonly name: string
  readonly origin: ScheduleOrigin
  readonly spec: ScheduleSpec
  /** The session to which a schedule with `session: "continue"` sends. Null for other schedules. */
  readonly sessionId: string | null
  /** The start of its intervals, in milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** Time of the next occurrence. Null for a paused schedule, and if there is no further occurrence. */
  readonly nextAt: number | null
  /** Time at which a process must check the schedule. Null if no check is needed. */
  readonly wakeAt: number | null
}

export interface Schedule extends NewSchedule {
  readonly state: ScheduleState
  /**
   * The reason why the gateway paused it, such as `invalidSchedule`. Null if a person paused it, and for schedules that
   * are not paused.
   */
  readonly reason: string | null
  /** Occurrences that wait for the previous run, in order. */
  readonly waiting: readonly number[]
  /** The run that its last occurrence started. Null if there is none. */
  readonly lastRunId: string | null
  /** If true, that run has not ended. */
  readonly isRunning: boolean
  /** Changes with each step. */
  readonly revision: number
}

/**
 * The reason of a schedule whose stored row cannot be used, such as one with a time that is not a valid date. The store
 * returns it as paused, with the parts that it can read.
 */
export const invalidSchedule = "invalid_schedule"

/** The largest time that is a valid date: milliseconds since the Unix epoch. */
export const maxDateMs = 8_640_000_000_000_000

/** Maximum number of schedules that have not ended. */
export interface ScheduleBounds {
  readonly perOwner: number
  readonly perAgent: number
}

export type CreateOutcome = "created" | "nameTaken" | "ownerHasTooMany" | "agentHasTooMany"

export interface ScheduleQuery extends Partial<Principal> {
  readonly agent?: string
  readonly origin?: ScheduleOrigin
  /** Only schedules with an id above this one. */
  readonly after?: string
  readonly limit: number
}

export interface ScheduleStep {
  /** The schedule as the caller read it. */
  readonly schedule: Schedule
  readonly change: ScheduleChange
  /** Occurrences that are not fired. */
  readonly skipped: readonly SkippedOccurrence[]
  /** The occurrence that is fired. Null if there is none. */
  readonly firing: Firing | null
}

export type ScheduleChange = Partial<
  Pick<Schedule, "spec" | "sessionId" | "createdAt" | "state" | "reason" | "nextAt" | "waiting" | "wakeAt">
>

export interface SkippedOccurrence {
  /** The time that the schedule specifies. */
  readonly at: number
  readonly outcome: "skipped" | "missed"
  readonly reason: string
}

/** The message of an occurrence. If there is no session with that id, it is created. */
export interface Firing {
  readonly at: number
  readonly cause: OccurrenceCause
  readonly message: MessageCommand
  readonly limits?: StorageLimits
}

/** `manual`: a person ran the schedule immediately. */
export type OccurrenceCause = "time" | "manual"

export type AdvanceOutcome =
  | { readonly status: "advanced"; readonly fired: Occurrence | null }
  /** The schedule was changed or removed meanwhile. Nothing was written. */
  | { readonly status: "changed" }

export interface Occurrence {
  /** Grows in the order in which occurrences are stored. */
  readonly number: number
  /** The time that the schedule specifies. */
  readonly at: number
  /** Time at which it was stored, by the store's clock. */
  readonly decidedAt: number
  readonly cause: OccurrenceCause
  /** `missed`: no process was running to fire it in time. */
  readonly outcome: "started" | "skipped" | "missed"
  /** The reason why it was not started. Null if it was. */
  readonly reason: string | null
  /** The run that it started, and its session. Null if it was not started. */
  readonly sessionId: string | null
  readonly runId: string | null
}

/** Maximum number of occurrences that wait for a run. */
export const maxWaitingOccurrences = 100
/** Maximum number of occurrences in the history of a schedule. */
export const maxKeptOccurrences = 100
