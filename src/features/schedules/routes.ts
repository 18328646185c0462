import { GatewayError } from "../../core/errors.ts"
import { isJsonObject } from "../../core/json/json.ts"
import type { PluginRequest, SessionRoute } from "../../core/ports/plugin-route.ts"
import {
  createOperation,
  listOperation,
  pauseOperation,
  removeOperation,
  resumeOperation,
  runOperation,
  showOperation,
} from "./operations.ts"
import type { OwnSchedules } from "./own-schedules.ts"
import type { Scheduler } from "./scheduler.ts"
import { parseWireTerms, toWireOccurrence, toWireSchedule } from "./wire.ts"

export interface ScheduleRoutesParts {
  readonly own: OwnSchedules
  readonly scheduler: Scheduler
  /** If false, a client can claim to be any user, and no route is served. */
  readonly knowsUsers: boolean
}

/** The routes by which users manage their own schedules. */
export function createScheduleRoutes({
  own,
  scheduler,
  knowsUsers,
}: ScheduleRoutesParts): Readonly<Record<string, SessionRoute>> {
  const findSchedule = ({ session, params }: PluginRequest) => own.find(session, params.id ?? "")
  const routes: Readonly<Record<string, SessionRoute>> = {
    "GET /schedules": {
      operation: listOperation,
      handle: async ({ session }) =>
        Response.json({ schedules: (await own.list(session)).map(toWireSchedule) }),
    },
    "POST /schedules": {
      operation: createOperation,
      async handle({ session, body }) {
        if (!isJsonObject(body)) {
          throw new GatewayError({ code: "invalid_schedule", status: 422 }, "The body is not a JSON object.")
        }
        const schedule = await own.create(session, { ...parseWireTerms(body), origin: "user" })
        return Response.json(toWireSchedule(schedule), { status: 201 })
      },
    },
    "GET /schedules/:id": {
      operation: showOperation,
      async handle(request) {
        const schedule = await findSchedule(request)
        const history = (await own.history(schedule)).map(toWireOccurrence)
        return Response.json({ ...toWireSchedule(schedule), history })
      },
    },
    "POST /schedules/:id/pause": {
      operation: pauseOperation,
      handle: async (request) =>
        Response.json(toWireSchedule(await scheduler.pause((await findSchedule(request)).id))),
    },
    "POST /schedules/:id/resume": {
      operation: resumeOperation,
      handle: async (request) =>
        Response.json(toWireSchedule(await scheduler.resume((await findSchedule(request)).id))),
    },
    "POST /schedules/:id/run": {
      operation: runOperation,
      handle: async (request) =>
        Response.json(toWireOccurrence(await scheduler.run((await findSchedule(request)).id)), {
          status: 202,
        }),
    },
    "DELETE /schedules/:id": {
      operation: removeOperation,
      async handle({ session, params }) {
        await own.remove(session, params.id ?? "")
        return new Response(null, { status: 204 })
      },
    },
  }
  return knowsUsers ? routes : refuseAll(routes)
}

/** Returns the same routes, which refuse every request. */
function refuseAll(routes: Readonly<Record<string, SessionRoute>>): Readonly<Record<string, SessionRoute>> {
  const handle = () => {
    throw new GatewayError(
      { code: "users_unknown", status: 403 },
      "Any API key is accepted, so users are not known and have no schedules. The operator can set validApiKeys " +
        "or authenticate.",
    )
  }
  return Object.fromEntries(
    Object.entries(routes).map(([name, { operation }]) => [name, { operation, handle }]),
  )
}
