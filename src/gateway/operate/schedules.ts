import { GatewayError } from "../../core/errors.ts"
import type { Ids } from "../../core/ids.ts"
import type { Schedule, Schedules } from "../../core/ports/store/schedules.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import type { ScheduleSpec, ScheduleTerms } from "../../core/schedule.ts"
import { createScheduler, type Scheduler } from "../../features/schedules/scheduler.ts"
import { parseSpec, scheduleNamePattern } from "../../features/schedules/terms.ts"
import type { GatewaySchedules } from "../../operations/schedules.ts"

const maxListed = 1_000

/** Bounds for the schedules that operators make. */
const bounds = { perOwner: 1_000, perAgent: 10_000 }

export interface ScheduleParts {
  readonly schedules: Schedules
  readonly scheduler: Scheduler
  /** Returns the time of the store's clock. */
  readonly now: () => Promise<number>
}

/** Throws a `ConfigurationError` if the store has no schedules. */
export function selectScheduleParts({ schedules: part, log }: Store, ids: Ids): ScheduleParts {
  const schedules = requireStorePart(part, "schedules", "gateway.schedules")
  const now = () => log.now()
  return { schedules, scheduler: createScheduler({ schedules, ids, now }), now }
}

/** Creates the operations on the schedules of a store that is opened at the first use. */
export function createGatewaySchedules(parts: () => Promise<ScheduleParts>): GatewaySchedules {
  async function find(scheduleId: string): Promise<Schedule> {
    const schedule = await (await parts()).schedules.find(scheduleId)
    if (schedule === null) throw createNotFound()
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
    async create({ agent, tenant, userId, name, terms }) {
      const { scheduler, now } = await parts()
      if (!scheduleNamePattern.test(name))
        throw createInvalid("name: expected 1 to 64 letters, digits, dots, dashes or underscores")
      const spec = toSpec(terms, await now())
      return scheduler.create({ agent, tenant, userId, name, origin: "user", spec, bounds })
    },
    async replace(scheduleId, terms) {
      const { scheduler, now } = await parts()
      const schedule = await find(scheduleId)
      if (schedule.origin === "options")
        throw createInvalid("the options of the agent have it, so change it there")
      if (await scheduler.replace(schedule, toSpec(terms, await now()))) return find(scheduleId)
      throw new GatewayError(
        { code: "schedule_busy", status: 503, retryable: true },
        "Another process changed the schedule meanwhile. Look at it again, then repeat your change.",
      )
    },
    async remove(scheduleId) {
      const { schedules } = await parts()
      if (!(await schedules.remove(scheduleId))) throw createNotFound()
    },
  }
}

/** Returns the stored form of terms. Throws `invalid_schedule` if they are wrong, or their only time has passed. */
function toSpec(terms: ScheduleTerms, now: number): ScheduleSpec {
  const parsed = parseSpec(terms, { now })
  if ("problem" in parsed) throw createInvalid(parsed.problem)
  if (parsed.spec.at !== undefined && parsed.spec.at <= now) throw createInvalid("at: this time has passed")
  return parsed.spec
}

function createInvalid(problem: string): GatewayError {
  return new GatewayError(
    { code: "invalid_schedule", status: 422 },
    `The schedule cannot be used: ${problem}.`,
  )
}

function createNotFound(): GatewayError {
  return new GatewayError({ code: "schedule_not_found", status: 404 }, "There is no such schedule.")
}
