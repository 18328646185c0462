import { GatewayError } from "../../core/errors.ts"
import { isJsonObject } from "../../core/json/json.ts"
import type { UserRequest, UserRoute } from "../../core/ports/plugin-route.ts"
import {
  createOperation,
  listOperation,
  pauseOperation,
  removeOperation,
  resumeOperation,
  runOperation,
  showOperation,
} from "./operations.ts"
import type { Asking, OwnSchedules } from "./own-schedules.ts"
import type { Scheduler } from "./scheduler.ts"
import { parseWireTerms, toWireOccurrence, toWireSchedule } from "./wire.ts"

export interface ScheduleRoutesParts {
  readonly own: OwnSchedules
  readonly scheduler: Scheduler
}

const access = "user"

/** The routes by which users manage their own schedules. */
export function createScheduleRoutes({
  own,
  scheduler,
}: ScheduleRoutesParts): Readonly<Record<string, UserRoute>> {
  const findSchedule = (request: UserRequest) => own.find(toAsking(request), request.params.id ?? "")
  return {
    "GET /schedules": {
      access,
      operation: listOperation,
      handle: async (request) =>
        Response.json({ schedules: (await own.list(toAsking(request))).map(toWireSchedule) }),
    },
    "POST /schedules": {
      access,
      operation: createOperation,
      async handle({ body, ...request }) {
        if (!isJsonObject(body)) {
          throw new GatewayError({ code: "invalid_schedule", status: 422 }, "The body is not a JSON object.")
        }
        const schedule = await own.create(toAsking(request), { ...parseWireTerms(body), origin: "user" })
        return Response.json(toWireSchedule(schedule), { status: 201 })
      },
    },
    "GET /schedules/:id": {
      access,
      operation: showOperation,
      async handle(request) {
        const schedule = await findSchedule(request)
        const history = (await own.history(schedule)).map(toWireOccurrence)
        return Response.json({ ...toWireSchedule(schedule), history })
      },
    },
    "POST /schedules/:id/pause": {
      access,
      operation: pauseOperation,
      handle: async (request) =>
        Response.json(toWireSchedule(await scheduler.pause((await findSchedule(request)).id))),
    },
    "POST /schedules/:id/resume": {
      access,
      operation: resumeOperation,
      handle: async (request) =>
        Response.json(toWireSchedule(await scheduler.resume((await findSchedule(request)).id))),
    },
    "POST /schedules/:id/run": {
      access,
      operation: runOperation,
      handle: async (request) =>
        Response.json(toWireOccurrence(await scheduler.run((await findSchedule(request)).id)), {
          status: 202,
        }),
    },
    "DELETE /schedules/:id": {
      access,
      operation: removeOperation,
      async handle(request) {
        await own.remove(toAsking(request), request.params.id ?? "")
        return new Response(null, { status: 204 })
      },
    },
  }
}

function toAsking({ principal, agent, session }: Omit<UserRequest, "body">): Asking {
  return { ...principal, agent, id: session?.id ?? null }
}
