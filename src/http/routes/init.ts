import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Session } from "../../core/ports/session-log.ts"
import type { Principal, Sessions } from "../../sessions/sessions.ts"
import { isSamePrincipal, principalOf } from "../auth/principal.ts"
import type { SessionTokens } from "../auth/tokens.ts"
import type { HttpEnv } from "../http-env.ts"
import { sessionNotFound, unauthorized } from "../problem.ts"
import { initRequestSchema, initResponseSchema } from "../schemas/init.ts"
import { problems } from "../schemas/problem.ts"

export interface InitRouteOptions {
  readonly sessions: Sessions
  readonly tokens: SessionTokens
  readonly isValidApiKey: (apiKey: string) => boolean
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/init: an API key for a session token. */
export function addInitRoute(app: OpenAPIHono<HttpEnv>, options: InitRouteOptions): void {
  const { sessions, tokens, isValidApiKey, middleware } = options
  const route = createRoute({
    method: "post",
    path: "/chat/init",
    operationId: "initSession",
    summary: "Begin a session, or get a fresh token for one",
    tags: ["sessions"],
    security: [],
    middleware,
    request: { body: { required: true, content: { "application/json": { schema: initRequestSchema } } } },
    responses: {
      200: {
        description: "A session and a token for it.",
        content: { "application/json": { schema: initResponseSchema } },
      },
      ...problems(400, 401, 404, 413, 415, 422, 500, 503),
    },
  })

  app.openapi(route, async (c) => {
    const body = c.req.valid("json")
    if (!isValidApiKey(body.api_key)) throw unauthorized("invalid_api_key", "The API key is not valid.")
    const principal = principalOf(body.api_key, body.user_id)
    const session =
      body.session_id === undefined
        ? await sessions.create(principal)
        : await existing(sessions, body.session_id, principal)
    const { id: sessionId, tenant, userId } = session
    const { token, expiresAt } = await tokens.issue({ sessionId, tenant, userId })
    return c.json(
      { session_token: token, session_id: sessionId, user_id: userId, expires_at: expiresAt },
      200,
    )
  })
}

async function existing(sessions: Sessions, sessionId: string, principal: Principal): Promise<Session> {
  const session = await sessions.session(sessionId)
  if (session === null || !isSamePrincipal(session, principal)) throw sessionNotFound(404)
  return session
}
