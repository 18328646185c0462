import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import { GatewayError } from "../core/errors.ts"
import type { Occurrence, Schedule, ScheduleQuery } from "../core/ports/store/schedules.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import { defineOperation, type OperationCaller } from "./operation.ts"
import type { OperationParts } from "./parts.ts"
import { done, id, name, ok, pageOf, paging, time } from "./schemas.ts"
import { chooseTenant, toOperatorPrincipal } from "./tenants.ts"

/** The schedules of all agents and owners. Methods with an id reject with `schedule_not_found`. */
export interface OperatedSchedules {
  list(query: Partial<ScheduleQuery>): Promise<readonly Schedule[]>
  find(scheduleId: string): Promise<Schedule>
  history(scheduleId: string): Promise<readonly Occurrence[]>
  pause(scheduleId: string): Promise<Schedule>
  resume(scheduleId: string): Promise<Schedule>
  run(scheduleId: string): Promise<Occurrence>
  /** Rejects with `invalid_schedule` if the terms are wrong. */
  create(
    request: Principal & { readonly agent: string; readonly name: string; readonly terms: Terms },
  ): Promise<Schedule>
  replace(scheduleId: string, terms: Terms): Promise<Schedule>
  remove(scheduleId: string): Promise<void>
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

type WrittenTerms = z.output<typeof terms>
/** Terms in the form for callers. The feature checks their values. */
type Terms = { readonly [Name in keyof WrittenTerms]: Exclude<WrittenTerms[Name], undefined> }

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
  "schedules.pause": defineOperation({
    summary: "Pause a schedule until it is resumed",
    route: "POST /schedules/{scheduleId}/pause",
    access: "operate",
    tenant: "byId",
    problems: [missing],
    input: one,
    output: schedule,
    async run(parts, { scheduleId }, caller) {
      await find(parts, scheduleId, caller)
      return show(await parts.schedules.pause(scheduleId), caller)
    },
  }),
  "schedules.resume": defineOperation({
    summary: "Resume a schedule at its first occurrence from now on",
    route: "POST /schedules/{scheduleId}/resume",
    access: "operate",
    tenant: "byId",
    problems: [missing],
    input: one,
    output: schedule,
    async run(parts, { scheduleId }, caller) {
      await find(parts, scheduleId, caller)
      return show(await parts.schedules.resume(scheduleId), caller)
    },
  }),
  "schedules.run": defineOperation({
    summary: "Run a schedule now, even while it is paused",
    route: "POST /schedules/{scheduleId}/run",
    access: "operate",
    tenant: "byId",
    problems: [missing, "409 schedule_running"],
    input: one,
    output: occurrence,
    async run(parts, { scheduleId }, caller) {
      await find(parts, scheduleId, caller)
      return parts.schedules.run(scheduleId)
    },
  }),
  "schedules.remove": defineOperation({
    summary: "Remove a schedule and its history",
    route: "POST /schedules/{scheduleId}/remove",
    access: "operate",
    tenant: "byId",
    problems: [missing],
    input: one,
    output: done,
    async run(parts, { scheduleId }, caller) {
      await find(parts, scheduleId, caller)
      await parts.schedules.remove(scheduleId)
      return ok
    },
  }),
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
