import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"

export interface RevokeRouteOptions {
  readonly sessions: Sessions
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/revoke signs out. The session remains stored, and its tokens no longer work. */
export function addRevokeRoute(
  app: OpenAPIHono<HttpEnv>,
  { sessions, middleware }: RevokeRouteOptions,
): void {
  const route = createRoute({
    method: "post",
    path: "/chat/revoke",
    operationId: "revokeSession",
    summary: "End the session and all its tokens",
    tags: ["sessions"],
    security: [{ sessionToken: [] }],
    middleware,
    responses: {
      200: {
        description: "All tokens of the session are now invalid, and its open run is cancelled.",
        content: { "application/json": { schema: doneResponseSchema } },
      },
      ...describeProblems(...ofToken),
    },
  })

  app.openapi(route, async (c) => {
    await sessions.revoke(c.get("session").id)
    return respondJson(c, done, 200)
  })
}
