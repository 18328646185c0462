import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofBody, ofToken } from "../../../http/schemas/refusals.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { cancelRequestSchema, cancelResponseSchema } from "../schemas/cancel.ts"

export interface CancelRouteOptions {
  readonly sessions: Sessions
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/**
 * POST /chat/cancel. After the response, the run cannot end as completed unless it already has, and a withdrawn message
 * cannot join its run.
 */
export function addCancelRoute(
  app: OpenAPIHono<HttpEnv>,
  { sessions, middleware }: CancelRouteOptions,
): void {
  const route = createRoute({
    method: "post",
    path: "/chat/cancel",
    operationId: "cancelRun",
    summary: "Cancel the open run, or withdraw a queued one or a steering message",
    tags: ["chat"],
    security: describeSecurity("session"),
    middleware,
    request: { body: { required: false, content: { "application/json": { schema: cancelRequestSchema } } } },
    responses: {
      200: describeJson(
        "The cancel is durable. The run ends with `stream_complete`, `interrupted`, `cancelled`. A withdrawn " +
          "message never joins its run, which continues.",
        cancelResponseSchema,
      ),
      ...describeProblems(...ofToken, ...ofBody, "404 no_active_run"),
    },
  })

  app.openapi(route, async (c) => {
    const { run_id, message_id } = c.req.valid("json")
    const { id: sessionId } = c.get("session")
    const outcome =
      message_id === undefined
        ? await sessions.cancel(sessionId, run_id ?? null)
        : await sessions.withdrawMessage(sessionId, Number(message_id))
    if (outcome.status !== "accepted") {
      const detail =
        message_id === undefined
          ? "No such run of this session is open or queued."
          : "The message has joined its run, or there is no such message."
      throw new Problem({ code: "no_active_run", status: 404 }, detail)
    }
    return respondJson(c, { status: "ok" as const, run_id: outcome.runId }, 200)
  })
}
