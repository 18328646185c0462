import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import { GatewayError } from "../core/errors.ts"
import type { Occurrence, Schedule, ScheduleQuery } from "../core/ports/store/schedules.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { ScheduleTerms } from "../core/schedule.ts"
import { defineOperation, type OperationCaller } from "./operation.ts"
import type { OperationParts } from "./parts.ts"
import { done, id, name, ok, pageOf, paging, time } from "./schemas.ts"
import { chooseTenant, toOperatorPrincipal } from "./tenants.ts"

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
   * Makes a schedule of an agent for a user. Rejects with `invalid_schedule`, `schedule_exists`, and
   * `too_many_schedules`. It fires while a gateway serves the agent with the option `schedules` or `allowSchedules`.
   */
  create(request: NewScheduleRequest): Promise<Schedule>
  /**
   * Replaces the terms of a schedule, whose next occurrence counts from now. Rejects with `schedule_not_found`, with
   * `invalid_schedule`, also for a schedule from an agent's options, and with `schedule_busy` if another process
   * changed it meanwhile.
   */
  replace(scheduleId: string, terms: ScheduleTerms): Promise<Schedule>
  /**
   * Removes a schedule and its history. A schedule from an agent's options returns at the next start. Rejects with
   * `schedule_not_found`.
   */
  remove(scheduleId: string): Promise<void>
}

/** A schedule of an operator for a user. */
export interface NewScheduleRequest extends Principal {
  readonly agent: string
  /** Unique among the user's schedules of the agent: 1 to 64 letters, digits, dots, dashes and underscores. */
  readonly name: string
  readonly terms: ScheduleTerms
}

const terms = z.strictObject({
  cron: z.string().optional(),
  every: z.string().optional(),
  at: z.string().optional(),
  timezone: z.string().optional(),
  message: z.string(),
  session: z.enum(["fresh", "continue"]).optional(),
  overlap: z.enum(["skip", "queue"]).optional(),
  catchUp: z.enum(["one", "all", "none"]).optional(),
  maxTurns: z.number().optional(),
  maxBudgetUsd: z.number().optional(),
})

const schedule = z.object({
  id: z.string(),
  name: z.string(),
  agent: z.string(),
  tenant: z.string(),
  userId: z.string(),
  origin: z.enum(["options", "user", "agent"]),
  state: z.enum(["active", "paused", "ended"]),
  reason: z.string().nullable(),
  spec: z.object({
    cron: z.string().optional(),
    every: z.string().optional(),
    at: time.optional(),
    timezone: z.string(),
    /** Absent without the scope `content`. */
    message: z.string().optional(),
    session: z.enum(["fresh", "continue"]),
    overlap: z.enum(["skip", "queue"]),
    catchUp: z.enum(["one", "all", "none"]),
    limits: z.object({ maxTurns: z.number().optional(), maxBudgetUsd: z.number().optional() }).optional(),
  }),
  sessionId: z.string().nullable(),
  nextAt: time.nullable(),
  waiting: z.array(time),
  isRunning: z.boolean(),
})

const occurrence = z.object({
  number: z.number(),
  at: time,
  cause: z.enum(["time", "manual"]),
  outcome: z.enum(["started", "skipped", "missed"]),
  reason: z.string().nullable(),
  sessionId: z.string().nullable(),
  runId: z.string().nullable(),
})

const one = z.strictObject({ scheduleId: id })
const missing = "404 schedule_not_found"
const invalid = "422 invalid_schedule"

export const scheduleOperations = {
  "schedules.list": defineOperation({
    summary: "List the schedules of all users, in the order of their ids",
    route: "GET /schedules",
    access: "read",
    tenant: "filter",
    problems: ["403 tenant_restricted"],
    input: z.strictObject({
      agent: name.optional().describe("Only of this agent"),
      tenant: name.optional().describe("Only of this tenant"),
      ...paging,
    }),
    output: pageOf(schedule),
    async run({ schedules }, { agent, tenant, after, limit }, caller) {
      const query = { agent, after, limit, tenant: chooseTenant(tenant, caller) }
      const items = await schedules.list(omitUndefined(query))
      const last = items.at(-1)
      const next = items.length < limit || last === undefined ? null : last.id
      return { items: items.map((each) => show(each, caller)), next }
    },
  }),
  "schedules.show": defineOperation({
    summary: "Show a schedule with its last hundred occurrences",
    route: "GET /schedules/{scheduleId}",
    access: "read",
    tenant: "byId",
    problems: [missing],
    input: one,
    output: z.object({ schedule, history: z.array(occurrence) }),
    async run(parts, { scheduleId }, caller) {
      const found = await find(parts, scheduleId, caller)
      return { schedule: show(found, caller), history: [...(await parts.schedules.history(scheduleId))] }
    },
  }),
  "schedules.create": defineOperation({
    summary: "Create a schedule of an agent, by default for the operator",
    route: "POST /schedules",
    access: "operate",
    tenant: "byId",
    problems: [invalid, "409 schedule_exists", "429 too_many_schedules", "403 tenant_restricted"],
    input: z.strictObject({
      agent: name.describe("Agent that it runs"),
      name: z.string().describe("Unique among the user's schedules of the agent"),
      terms: terms.describe("Its time, message and further terms"),
      tenant: name.optional().describe("Tenant of its user"),
      user: name.optional().describe("Its user"),
    }),
    output: schedule,
    async run({ schedules, info }, { agent, name, terms, tenant, user }, caller) {
      if (!info().agents.some((each) => each.name === agent && each.firesSchedules)) {
        throw new GatewayError(
          { code: "invalid_schedule", status: 422 },
          "Schedules of this agent do not fire. Set its option schedules or allowSchedules.",
        )
      }
      const own = toOperatorPrincipal(caller)
      const chosen = chooseTenant(tenant, caller)
      if (chosen !== undefined && user === undefined) {
        // An operator's name in a tenant of users would be one of its users.
        throw new GatewayError(
          { code: "invalid_schedule", status: 422 },
          "Name the user of the schedule, because the tenant has users.",
        )
      }
      const owner = { tenant: chosen ?? own.tenant, userId: user ?? own.userId }
      return show(await schedules.create({ ...owner, agent, name, terms: omitUndefined(terms) }), caller)
    },
  }),
  "schedules.replace": defineOperation({
    summary: "Replace the terms of a schedule",
    route: "POST /schedules/{scheduleId}/replace",
    access: "operate",
    tenant: "byId",
    problems: [missing, invalid, "503 schedule_busy"],
    input: z.strictObject({ scheduleId: id, terms: terms.describe("Its new terms") }),
    output: schedule,
    async run(parts, { scheduleId, terms }, caller) {
      await find(parts, scheduleId, caller)
      return show(await parts.schedules.replace(scheduleId, omitUndefined(terms)), caller)
    },
  }),
  "schedules.pause": defineChange("pause", {
    summary: "Pause a schedule until it is resumed",
    output: schedule,
    change: async (schedules, id, caller) => show(await schedules.pause(id), caller),
  }),
  "schedules.resume": defineChange("resume", {
    summary: "Resume a schedule at its first occurrence from now on",
    output: schedule,
    change: async (schedules, id, caller) => show(await schedules.resume(id), caller),
  }),
  "schedules.run": defineChange("run", {
    summary: "Run a schedule now, even while it is paused",
    problems: ["409 schedule_running"],
    output: occurrence,
    change: (schedules, id) => schedules.run(id),
  }),
  "schedules.remove": defineChange("remove", {
    summary: "Remove a schedule and its history",
    output: done,
    async change(schedules, id) {
      await schedules.remove(id)
      return ok
    },
  }),
}

interface ScheduleChange<Output extends z.ZodType> {
  readonly summary: string
  readonly problems?: readonly `${number} ${string}`[]
  readonly output: Output
  change(schedules: GatewaySchedules, scheduleId: string, caller: OperationCaller): Promise<z.input<Output>>
}

/** Defines an operation that changes one schedule, and needs no further input. */
function defineChange<Output extends z.ZodType>(
  name: string,
  { summary, problems = [], output, change }: ScheduleChange<Output>,
) {
  return defineOperation({
    summary,
    route: `POST /schedules/{scheduleId}/${name}`,
    access: "operate",
    tenant: "byId",
    problems: [missing, ...problems],
    input: one,
    output,
    async run(parts, { scheduleId }, caller) {
      await find(parts, scheduleId, caller)
      return change(parts.schedules, scheduleId, caller)
    },
  })
}

async function find(
  { schedules }: OperationParts,
  scheduleId: string,
  { tenant }: OperationCaller,
): Promise<Schedule> {
  const found = await schedules.find(scheduleId)
  if (tenant === null || found.tenant === tenant) return found
  throw new GatewayError({ code: "schedule_not_found", status: 404 }, "There is no such schedule.")
}

function show({ spec: { message, ...spec }, waiting, ...facts }: Schedule, { scopes }: OperationCaller) {
  return {
    ...facts,
    waiting: [...waiting],
    spec: { ...spec, ...(scopes.includes("content") && { message }) },
  }
}
