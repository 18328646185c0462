import { GatewayError } from "../../core/errors.ts"
import type { Occurrence, Schedule, Schedules } from "../../core/ports/store/schedules.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { ScheduleOrigin } from "../../core/schedule.ts"
import type { ResolvedAllowed } from "./options.ts"
import type { Scheduler } from "./scheduler.ts"
import { parseSpec, scheduleNamePattern } from "./terms.ts"

/** The owner of the schedules, and the session in which it asks. Its id is null without a session. */
export interface Asking extends Principal {
  readonly id: string | null
  readonly agent: string
}

/** The schedules that users and the agent create at run time. Each owner sees and changes only their own. */
export interface OwnSchedules {
  list(asking: Asking): Promise<readonly Schedule[]>
  /** Rejects with `schedule_not_found` if the schedule belongs to another owner, or does not exist. */
  find(asking: Asking, scheduleId: string): Promise<Schedule>
  /** Rejects with `invalid_schedule` if a name or terms are wrong. */
  create(asking: Asking, request: OwnScheduleRequest): Promise<Schedule>
  history(schedule: Schedule): Promise<readonly Occurrence[]>
  remove(asking: Asking, scheduleId: string): Promise<void>
}

export interface OwnScheduleRequest {
  readonly id?: string
  readonly name: unknown
  readonly origin: ScheduleOrigin
  /** The terms with the names of `ScheduleTerms`. They are not validated yet. */
  readonly terms: object
}

/** Maximum number of listed schedules. One owner cannot have that many. */
const maxListed = 2_000

export function createOwnSchedules({
  schedules,
  scheduler,
  allowed,
  knowsUsers,
  now,
}: {
  readonly schedules: Schedules
  readonly scheduler: Scheduler
  readonly allowed: ResolvedAllowed
  /**
   * False while a client can claim to be any user. A session then sees only the schedules that continue it, and not
   * those of other sessions of its owner. The same holds for a session without a user.
   */
  readonly knowsUsers: boolean
  readonly now: () => Promise<number>
}): OwnSchedules {
  const { maxPerUser, maxSchedules, minIntervalSeconds } = allowed
  const bounds = { perOwner: maxPerUser, perAgent: maxSchedules }

  const isVisible = ({ origin, sessionId }: Schedule, asking: Asking) =>
    origin !== "options" && ((knowsUsers && asking.userId !== "") || sessionId === asking.id)

  async function find(asking: Asking, scheduleId: string): Promise<Schedule> {
    const schedule = await schedules.find(scheduleId)
    const isOwn =
      schedule?.agent === asking.agent &&
      schedule.tenant === asking.tenant &&
      schedule.userId === asking.userId
    if (isOwn && isVisible(schedule, asking)) return schedule
    throw new GatewayError({ code: "schedule_not_found", status: 404 }, "There is no such schedule.")
  }

  return {
    find,
    async list(asking) {
      const { agent, tenant, userId } = asking
      const all = await schedules.list({ agent, tenant, userId, limit: maxListed })
      return all.filter((schedule) => isVisible(schedule, asking))
    },
    async create({ id: sessionId, agent, tenant, userId }, { id, name, origin, terms }) {
      if (typeof name !== "string" || !scheduleNamePattern.test(name))
        throw createInvalid("name: expected 1 to 64 letters, digits, dots, dashes or underscores")
      const at = await now()
      const parsed = parseSpec(terms, { minIntervalMs: minIntervalSeconds * 1_000, now: at })
      if ("problem" in parsed) throw createInvalid(parsed.problem)
      if (parsed.spec.at !== undefined && parsed.spec.at <= at)
        throw createInvalid("at: this time has passed")
      const request = { agent, tenant, userId, name, origin, spec: parsed.spec, bounds }
      return scheduler.create({
        ...request,
        ...(id !== undefined && { id }),
        ...(sessionId !== null && { sessionId }),
      })
    },
    history: ({ id }) => schedules.occurrences(id, maxListed),
    async remove(asking, scheduleId) {
      await find(asking, scheduleId)
      await schedules.remove(scheduleId)
    },
  }
}

function createInvalid(problem: string): GatewayError {
  return new GatewayError(
    { code: "invalid_schedule", status: 422 },
    `The schedule cannot be used: ${problem}.`,
  )
}
