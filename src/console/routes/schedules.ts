import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Occurrence, Schedule, ScheduleQuery } from "../../core/ports/store/schedules.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { readQuery } from "../read-request.ts"

/** The schedules of all agents and owners. Methods with an id reject with `schedule_not_found`. */
export interface ConsoleSchedules {
  list(query: Partial<ScheduleQuery>): Promise<readonly Schedule[]>
  find(scheduleId: string): Promise<Schedule>
  history(scheduleId: string): Promise<readonly Occurrence[]>
  pause(scheduleId: string): Promise<Schedule>
  resume(scheduleId: string): Promise<Schedule>
  run(scheduleId: string): Promise<Occurrence>
}

export interface ScheduleRoutesOptions {
  readonly prefix: string
  readonly schedules: ConsoleSchedules
}

const pageSize = 100
const name = z.string().min(1).max(256)
const schedulesQuery = z.strictObject({ agent: name.optional(), after: z.string().max(128).optional() })

/** GET schedules, GET schedules/:id with its history, and POST schedules/:id/pause, /resume and /run. */
export function addScheduleRoutes(
  root: OpenAPIHono<HttpEnv>,
  { prefix, schedules }: ScheduleRoutesOptions,
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
}
