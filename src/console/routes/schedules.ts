import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Occurrence, Schedule, ScheduleQuery } from "../../core/ports/store/schedules.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import { readBody, readQuery } from "../read-request.ts"

/** The schedules of all agents and owners. Methods with an id reject with `schedule_not_found`. */
export interface ConsoleSchedules {
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

const termsSchema = z.strictObject({
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
const newSchedule = z.strictObject({ agent: z.string(), name: z.string(), terms: termsSchema })
const changedSchedule = z.strictObject({ terms: termsSchema })

type Written = z.output<typeof termsSchema>
/** Terms in the form for callers, without the members that the operator left empty. */
type Terms = { readonly [Name in keyof Written]: Exclude<Written[Name], undefined> }

export interface ScheduleRoutesOptions {
  readonly prefix: string
  readonly schedules: ConsoleSchedules
  /** Agents whose schedules fire. */
  readonly agents: readonly string[]
  /** Owner of the schedules that operators make. */
  readonly principal: Principal
  readonly body: MiddlewareHandler<HttpEnv>
}

const pageSize = 100
const name = z.string().min(1).max(256)
const schedulesQuery = z.strictObject({ agent: name.optional(), after: z.string().max(128).optional() })

/**
 * Adds GET schedules, GET schedules/:id with its history, POST schedules, which makes one, and
 * POST schedules/:id/pause, /resume, /run, /replace and /remove.
 */
export function addScheduleRoutes(
  root: OpenAPIHono<HttpEnv>,
  { prefix, schedules, agents, principal, body }: ScheduleRoutesOptions,
): void {
  root.get(`${prefix}/schedules`, async (c) => {
    const { agent, after } = readQuery(c, schedulesQuery)
    const items = await schedules.list({
      ...(agent !== undefined && { agent }),
      ...(after !== undefined && { after }),
      limit: pageSize,
    })
    const last = items.at(-1)
    return c.json({ items, next: items.length < pageSize || last === undefined ? null : last.id })
  })

  root.get(`${prefix}/schedules/:id`, async (c) => {
    const schedule = await schedules.find(c.req.param("id"))
    return c.json({ schedule, history: await schedules.history(schedule.id) })
  })

  root.post(`${prefix}/schedules/:id/pause`, async (c) => c.json(await schedules.pause(c.req.param("id"))))
  root.post(`${prefix}/schedules/:id/resume`, async (c) => c.json(await schedules.resume(c.req.param("id"))))
  root.post(`${prefix}/schedules/:id/run`, async (c) => c.json(await schedules.run(c.req.param("id"))))

  root.post(`${prefix}/schedules`, body, async (c) => {
    const { agent, name, terms } = await readBody(c, newSchedule)
    if (!agents.includes(agent)) {
      throw new Problem(
        { code: "invalid_schedule", status: 422 },
        "Schedules of this agent do not fire. Set its option schedules or allowSchedules.",
      )
    }
    return c.json(await schedules.create({ ...principal, agent, name, terms: removeEmpty(terms) }), 201)
  })
  root.post(`${prefix}/schedules/:id/replace`, body, async (c) => {
    const { terms } = await readBody(c, changedSchedule)
    return c.json(await schedules.replace(c.req.param("id"), removeEmpty(terms)))
  })
  root.post(`${prefix}/schedules/:id/remove`, async (c) => {
    await schedules.remove(c.req.param("id"))
    return c.json({ status: "ok" })
  })
}

/** Returns the terms without undefined members, which are no terms. */
function removeEmpty(terms: Written): Terms {
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined)) as Terms
}
