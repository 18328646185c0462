import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { toWireWaits } from "../forms/waits.ts"
import { waitsResponseSchema } from "../schemas/waits.ts"

export interface WaitsRouteOptions {
  readonly sessions: Sessions
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /chat/waits returns every open wait of the session, without the session's history. */
export function addWaitsRoute(app: OpenAPIHono<HttpEnv>, { sessions, middleware }: WaitsRouteOptions): void {
  const route = createRoute({
    method: "get",
    path: "/chat/waits",
    operationId: "listWaits",
    summary: "List open waits of the session",
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware,
    responses: {
      200: describeJson(
        "Every open approval, client tool call and question of the session.",
        waitsResponseSchema,
      ),
      ...describeProblems(...ofToken),
    },
  })

  app.openapi(route, async (c) => {
    const waits = await sessions.openWaits({ sessionId: c.get("session").id })
    return respondJson(c, toWireWaits(waits), 200)
  })
}
