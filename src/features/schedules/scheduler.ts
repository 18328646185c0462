import { GatewayError, toError } from "../../core/errors.ts"
import type { Ids } from "../../core/ids.ts"
import {
  type AdvanceOutcome,
  type Firing,
  invalidSchedule,
  type Occurrence,
  type OccurrenceCause,
  type Schedule,
  type ScheduleBounds,
  type Schedules,
} from "../../core/ports/store/schedules.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { createMessageCommand } from "../../core/runs/create-message-command.ts"
import type { ScheduleOrigin, ScheduleSpec } from "../../core/schedule.ts"
import type { Timetable } from "../../platform/cron/cron.ts"
import { planStep } from "./plan-step.ts"
import { createTimetable } from "./timetable.ts"

export interface SchedulerParts {
  readonly schedules: Schedules
  readonly ids: Ids
  /** Returns the time of the store's clock. */
  readonly now: () => Promise<number>
}

export interface ScheduleRequest extends Principal {
  /** Default: a random one. */
  readonly id?: string
  readonly agent: string
  readonly name: string
  readonly origin: ScheduleOrigin
  readonly spec: ScheduleSpec
  /** The session to continue. Default: a new one. */
  readonly sessionId?: string
  readonly bounds: ScheduleBounds
}

/** The actions on schedules, for their own loop, routes, tools and the command line. */
export interface Scheduler {
  /** Rejects with `schedule_exists` or `too_many_schedules`. */
  create(request: ScheduleRequest): Promise<Schedule>
  /** Changes the terms of a schedule. Resolves to false if another process changed it meanwhile. */
  replace(schedule: Schedule, spec: ScheduleSpec): Promise<boolean>
  /** Pauses a schedule until it is resumed. Rejects with `schedule_not_found`, as the methods below do. */
  pause(scheduleId: string): Promise<Schedule>
  /**
   * Resumes at the first occurrence from now on. Rejects with `invalid_schedule` if the stored terms cannot be used.
   */
  resume(scheduleId: string): Promise<Schedule>
  /**
   * Fires it now, even while it is paused. Rejects with `schedule_running` while one of its runs is open, and with
   * `invalid_schedule` if the stored terms cannot be used.
   */
  run(scheduleId: string): Promise<Occurrence>
  /** Takes the next step of a schedule that is due. Rejects with `invalid_schedule` if its terms cannot be used. */
  step(schedule: Schedule): Promise<AdvanceOutcome>
  /** Postpones a schedule that cannot be fired by a minute, so that it does not delay others. */
  postpone(schedule: Schedule): Promise<void>
  /** Pauses a schedule whose stored terms cannot be used. */
  disable(schedule: Schedule): Promise<void>
}

/** Maximum attempts to change a schedule that others keep changing. */
const maxAttempts = 10
const postponedMs = 60_000

export function createScheduler({ schedules, ids, now }: SchedulerParts): Scheduler {
  async function requireSchedule(scheduleId: string): Promise<Schedule> {
    const schedule = await schedules.find(scheduleId)
    if (schedule !== null) return schedule
    throw new GatewayError({ code: "schedule_not_found", status: 404 }, "There is no such schedule.")
  }

  /** Tries again if another process was faster. */
  async function change<Result>(
    scheduleId: string,
    attempt: (schedule: Schedule) => Promise<Result | null>,
  ): Promise<Result> {
    for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
      const result = await attempt(await requireSchedule(scheduleId))
      if (result !== null) return result
    }
    throw new GatewayError(
      { code: "schedule_busy", status: 503, retryable: true },
      "Other processes keep changing the schedule. Try again.",
    )
  }

  async function write(schedule: Schedule, changed: Parameters<Schedules["advance"]>[0]["change"]) {
    const outcome = await schedules.advance({ schedule, change: changed, skipped: [], firing: null })
    return outcome.status === "changed" ? null : requireSchedule(schedule.id)
  }

  function createFiring(
    schedule: Schedule,
    firing: {
      readonly at: number
      readonly cause: OccurrenceCause
      readonly waits: boolean
      readonly now: number
    },
  ): Firing {
    const { spec, name, sessionId } = schedule
    const { at, cause, waits } = firing
    const message = createMessageCommand({
      sessionId: sessionId ?? ids.next("sess"),
      runId: ids.next("run"),
      at: firing.now,
      input: spec.message,
      context: { channel: "schedule", schedule: name, scheduled_for: new Date(at).toISOString() },
      channel: "schedule",
      whenBusy: waits ? "queue" : "reject",
      ...(spec.limits !== undefined && { limits: spec.limits }),
    })
    return { at, cause, message }
  }

  return {
    async create({ id = ids.next("sched"), spec, bounds, sessionId, ...request }) {
      const createdAt = await now()
      const nextAt = findNext(spec, createdAt, createdAt)
      const ownSession = spec.session === "continue" ? (sessionId ?? ids.next("sess")) : null
      const schedule = { ...request, id, spec, sessionId: ownSession, createdAt, nextAt, wakeAt: nextAt }
      const outcome = await schedules.create(schedule, bounds)
      switch (outcome) {
        case "created":
          return requireSchedule(id)
        case "nameTaken":
          throw new GatewayError(
            { code: "schedule_exists", status: 409 },
            `There is a schedule named ${request.name}. Choose another name, or remove that schedule first.`,
          )
        case "ownerHasTooMany":
        case "agentHasTooMany":
          throw new GatewayError(
            { code: "too_many_schedules", status: 429 },
            outcome === "ownerHasTooMany"
              ? `A user may have ${bounds.perOwner} schedules. Remove one first.`
              : "The agent has reached its maximum number of schedules.",
          )
        default:
          return outcome satisfies never
      }
    },
    async replace(schedule, spec) {
      const createdAt = await now()
      // Valid terms end a pause that the former terms caused.
      const reason = schedule.reason === invalidSchedule ? null : schedule.reason
      const isPaused = schedule.state === "paused" && schedule.reason !== invalidSchedule
      const nextAt = isPaused ? null : findNext(spec, createdAt, createdAt)
      const state = isPaused ? "paused" : nextAt === null ? "ended" : "active"
      const sessionId = spec.session === "continue" ? (schedule.sessionId ?? ids.next("sess")) : null
      const change = {
        spec,
        sessionId,
        createdAt,
        nextAt,
        wakeAt: nextAt,
        state,
        reason,
        waiting: [],
      } as const
      return (await write(schedule, change)) !== null
    },
    pause: (scheduleId) =>
      change(scheduleId, async (schedule) => {
        if (schedule.state !== "active") return schedule
        return write(schedule, { state: "paused", reason: null, nextAt: null, waiting: [], wakeAt: null })
      }),
    resume: (scheduleId) =>
      change(scheduleId, async (schedule) => {
        if (schedule.state !== "paused") return schedule
        const { spec, createdAt, reason } = schedule
        const nextAt = requireTimetable(spec, createdAt).after(await now())
        const state = nextAt === null ? "ended" : "active"
        // A revoked session cannot be continued.
        const sessionId = reason === "session_revoked" ? ids.next("sess") : schedule.sessionId
        return write(schedule, { state, reason: null, nextAt, wakeAt: nextAt, sessionId })
      }),
    run: (scheduleId) =>
      change(scheduleId, async (schedule) => {
        if (schedule.isRunning) {
          throw new GatewayError(
            { code: "schedule_running", status: 409, retryable: true },
            `Run ${schedule.lastRunId} of the schedule is still open.`,
          )
        }
        requireTimetable(schedule.spec, schedule.createdAt)
        const at = await now()
        const firing = createFiring(schedule, {
          at,
          now: at,
          cause: "manual",
          waits: schedule.spec.overlap === "queue",
        })
        const outcome = await schedules.advance({ schedule, change: {}, skipped: [], firing })
        return outcome.status === "changed" ? null : outcome.fired
      }),
    async step(schedule) {
      const { spec, createdAt, reason } = schedule
      const timetable = requireTimetable(spec, createdAt)
      if (reason === invalidSchedule) throw createUnusable("a time is not a valid date")
      const at = await now()
      const { change, skipped, fires } = planStep(schedule, at, timetable)
      const waits = fires?.hasWaited === true || spec.overlap === "queue"
      const firing =
        fires === null ? null : createFiring(schedule, { at: fires.at, now: at, cause: "time", waits })
      return schedules.advance({ schedule, change, skipped, firing })
    },
    async postpone(schedule) {
      const wakeAt = (await now()) + postponedMs
      await schedules.advance({ schedule, change: { wakeAt }, skipped: [], firing: null })
    },
    async disable(schedule) {
      const reason = invalidSchedule
      await write(schedule, { state: "paused", reason, nextAt: null, waiting: [], wakeAt: null })
    },
  }
}

/** Returns the next occurrence. Null if there is none, such as for a single time that has passed. */
function findNext(spec: ScheduleSpec, from: number, anchor: number): number | null {
  return createTimetable(spec, anchor).after(from)
}

/** Returns the timetable of stored terms. An older version may have stored terms that are not accepted any more. */
function requireTimetable(spec: ScheduleSpec, anchor: number): Timetable {
  try {
    return createTimetable(spec, anchor)
  } catch (error) {
    throw createUnusable(toError(error).message)
  }
}

function createUnusable(problem: string): GatewayError {
  return new GatewayError(
    { code: invalidSchedule, status: 422 },
    `The stored schedule cannot be used: ${problem}. Change its terms, or remove it.`,
  )
}
