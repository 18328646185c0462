import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofUser } from "../../../http/schemas/refusals.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"

export interface RevokeRouteOptions {
  readonly sessions: Sessions
  readonly revokeTokens: WireParts["revokeTokens"]
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/**
 * POST /chat/revoke signs out. With a session token, the session remains stored, and its tokens no longer work. With
 * another credential, all tokens of the user end.
 */
export function addRevokeRoute(
  app: OpenAPIHono<HttpEnv>,
  { sessions, revokeTokens, middleware }: RevokeRouteOptions,
): void {
  const route = createRoute({
    method: "post",
    path: "/chat/revoke",
    operationId: "revokeSession",
    summary: "End the session and all its tokens, or all tokens of the user",
    tags: ["sessions"],
    security: describeSecurity("revoke"),
    middleware,
    responses: {
      200: describeJson(
        "With a session token: all tokens of the session are now invalid, and its open run is cancelled. " +
          "Otherwise: all tokens of the user are now invalid, in every process after at most five seconds.",
        doneResponseSchema,
      ),
      ...describeProblems(...ofUser),
    },
  })

  app.openapi(route, async (c) => {
    const { session, principal } = c.get("caller")
    if (session === null) await revokeTokens(principal)
    else await sessions.revoke(session.id)
    return respondJson(c, done, 200)
  })
}
