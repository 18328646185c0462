import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Sessions } from "../../sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import { historyResponseSchema } from "../schemas/history.ts"
import { problems } from "../schemas/problem.ts"
import { wireHistory } from "../wire/history.ts"

export interface HistoryRouteOptions {
  readonly sessions: Sessions
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /chat/history: enough to redraw a client after a reload. */
export function addHistoryRoute(
  app: OpenAPIHono<HttpEnv>,
  { sessions, middleware }: HistoryRouteOptions,
): void {
  const route = createRoute({
    method: "get",
    path: "/chat/history",
    operationId: "history",
    summary: "The conversation so far",
    tags: ["chat"],
    security: [{ sessionToken: [] }],
    middleware,
    responses: {
      200: {
        description: "The session's messages and what is open in it.",
        content: { "application/json": { schema: historyResponseSchema } },
      },
      ...problems(401, 429, 500, 503),
    },
  })

  app.openapi(route, async (c) => c.json(wireHistory(await sessions.history(c.get("session").id)), 200))
}
