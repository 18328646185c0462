import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import { createInvalidCursor, parseCursor } from "../../../http/request/cursor.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import type { EventStreams } from "../../../http/streams/stream-response.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { chooseNativeWire } from "../fold/native-wire.ts"
import { eventFrameSchema } from "../schemas/events.ts"

export interface SubscribeRouteOptions {
  readonly sessions: Sessions
  readonly streams: EventStreams
  /** Returns true if clients of the tenant see the own messages of providers. */
  readonly showsProviderErrors: (tenant: string) => boolean
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /chat/subscribe streams all entries of the session, or of one of its runs, after a cursor, then live. */
export function addSubscribeRoute(app: OpenAPIHono<HttpEnv>, options: SubscribeRouteOptions): void {
  const { sessions, streams, showsProviderErrors, middleware } = options
  const cursor = z.string().optional()
  const headers = z.object({
    "last-event-id": cursor.openapi({
      description: "The last id that the client saw, as an EventSource sends it when it reconnects.",
      pattern: "^[0-9]{1,15}$",
    }),
  })
  const route = createRoute({
    method: "get",
    path: "/chat/subscribe",
    operationId: "subscribe",
    summary: "Follow a session from a cursor",
    tags: ["chat"],
    security: describeSecurity("session"),
    request: {
      query: z.object({
        after_seq: cursor.openapi({
          type: "integer",
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description:
            "The last id that the client saw. 0 or absent: all events. If the " +
            "request also has `Last-Event-ID`, the larger one counts.",
        }),
        run_id: z.string().optional().openapi({
          description: "Only this run, open, queued or ended: the same stream as that of its POST /chat.",
        }),
        tool_input_deltas: z.enum(["true", "false"]).optional().openapi({
          description:
            "If `true`, the stream has `tool_input_delta` events, for runs whose POST /chat asked for them.",
        }),
        until_tasks_end: z
          .enum(["true", "false"])
          .optional()
          .openapi({
            description:
              "If `true`, the stream also goes on while a background task of the session runs, although no run " +
              "is open. Does not apply with `run_id`.",
          }),
      }),
    },
    responses: {
      200: {
        description:
          "Every event after the cursor, over all runs. The stream ends when no run is open or due, and with " +
          "`until_tasks_end`, no background task is running either.",
        content: { "text/event-stream": { schema: eventFrameSchema } },
      },
      204: { description: "No event follows the cursor, and no run is open or due: do not reconnect." },
      ...describeProblems(
        ...ofToken,
        "429 too_many_viewers",
        "400 invalid_cursor",
        "400 invalid_parameter",
        "404 run_not_found",
      ),
    },
  })

  // The header is described and not validated. A validator would convert all headers, which stay in memory with the
  // stream.
  app.openAPIRegistry.registerPath({ ...route, request: { ...route.request, headers } })
  app.openapi(
    { ...route, middleware, hide: true },
    async (c) => {
      const session = c.get("session")
      const { tenant, userId } = session
      // The stream keeps the principal, but not the whole session.
      const principal = { tenant, userId }
      const afterSeq = parseCursor(c.req.query("after_seq"), c.req.header("last-event-id"))
      const runId = c.req.query("run_id")
      const wire = chooseNativeWire({
        toolInput: c.req.query("tool_input_deltas") === "true",
        providerErrors: showsProviderErrors(tenant),
      })
      if (runId !== undefined) {
        const run = await sessions.run(session.id, runId)
        if (run === null)
          throw new Problem({ code: "run_not_found", status: 404 }, "The session has no such run.")
        if (run.endSeq !== null && run.endSeq <= afterSeq) return c.body(null, 204)
        return streams.respond(c, session.id, async () => ({
          wire,
          sessionId: session.id,
          principal,
          runId,
          afterSeq: Math.max(afterSeq, run.cursor),
          position: await sessions.position(session.id, runId),
        }))
      }
      const untilTasksEnd = c.req.query("until_tasks_end") === "true"
      const isIdle = session.activeRun === null && !session.hasDueWork
      if (session.lastSeq <= afterSeq && isIdle) {
        const { signal } = c.req.raw
        if (!untilTasksEnd || !(await sessions.hasTaskWork(session.id, { signal }))) return c.body(null, 204)
      }
      return streams.respond(c, session.id, async () => ({
        wire,
        sessionId: session.id,
        principal,
        afterSeq,
        untilTasksEnd,
      }))
    },
    (result) => {
      if (result.success) return
      const flag = result.error.issues.find(({ path }) => flags.includes(String(path[0])))
      if (flag !== undefined) throw createInvalidFlag(String(flag.path[0]))
      // A parameter that occurs twice is an array.
      throw createInvalidCursor("after_seq")
    },
  )
}

const flags: readonly string[] = ["tool_input_deltas", "until_tasks_end"]

function createInvalidFlag(name: string): Problem {
  return new Problem({ code: "invalid_parameter", status: 400 }, `${name} must be true or false.`)
}
