import { GatewayError } from "../../core/errors.ts"
import type { Ids } from "../../core/ids.ts"
import type { Occurrence, Schedule, ScheduleQuery, Schedules } from "../../core/ports/store/schedules.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { createScheduler, type Scheduler } from "../../schedules/scheduler.ts"

/** Schedules of all agents and owners in the gateway's store, for operators. */
export interface GatewaySchedules {
  /** Lists schedules with an id above `after`, in order: at most `limit`, or 1 000. */
  list(query?: Partial<ScheduleQuery>): Promise<readonly Schedule[]>
  /** Rejects with `schedule_not_found`. */
  find(scheduleId: string): Promise<Schedule>
  /** Resolves to the last hundred occurrences of a schedule, newest first. Rejects with `schedule_not_found`. */
  history(scheduleId: string): Promise<readonly Occurrence[]>
  /** Pauses a schedule until it is resumed. Rejects with `schedule_not_found`. */
  pause(scheduleId: string): Promise<Schedule>
  /** Resumes a schedule at the first occurrence from now on. Rejects with `schedule_not_found`. */
  resume(scheduleId: string): Promise<Schedule>
  /**
   * Runs a schedule now, even while it is paused. Rejects with `schedule_running` while one of its runs is open, and
   * with `schedule_not_found`.
   */
  run(scheduleId: string): Promise<Occurrence>
  /**
   * Removes a schedule and its history. A schedule from an agent's options returns at the next start. Rejects with
   * `schedule_not_found`.
   */
  remove(scheduleId: string): Promise<void>
}

const maxListed = 1_000

export interface ScheduleParts {
  readonly schedules: Schedules
  readonly scheduler: Scheduler
}

export function schedulePartsOf({ schedules, log }: Store, ids: Ids): ScheduleParts {
  return { schedules, scheduler: createScheduler({ schedules, ids, now: () => log.now() }) }
}

/** Creates the operations on the schedules of a store that is opened at the first use. */
export function createGatewaySchedules(parts: () => Promise<ScheduleParts>): GatewaySchedules {
  async function find(scheduleId: string): Promise<Schedule> {
    const schedule = await (await parts()).schedules.find(scheduleId)
    if (schedule === null) throw notFound()
    return schedule
  }

  return {
    async list({ limit = maxListed, ...query } = {}) {
      return (await parts()).schedules.list({ ...query, limit: Math.min(limit, maxListed) })
    },
    find,
    async history(scheduleId) {
      const { id } = await find(scheduleId)
      return (await parts()).schedules.occurrences(id, maxListed)
    },
    pause: async (scheduleId) => (await parts()).scheduler.pause(scheduleId),
    resume: async (scheduleId) => (await parts()).scheduler.resume(scheduleId),
    run: async (scheduleId) => (await parts()).scheduler.run(scheduleId),
    async remove(scheduleId) {
      const { schedules } = await parts()
      if (!(await schedules.remove(scheduleId))) throw notFound()
    },
  }
}

function notFound(): GatewayError {
  return new GatewayError({ code: "schedule_not_found", status: 404 }, "There is no such schedule.")
}
