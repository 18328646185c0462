import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import type { Principal, Session } from "../../core/ports/session-log.ts"
import type { Sessions } from "../../sessions/sessions.ts"
import type { Claim, Identify } from "../auth/identify.ts"
import { isSamePrincipal } from "../auth/principal.ts"
import type { SessionTokens } from "../auth/tokens.ts"
import type { HttpEnv } from "../http-env.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { sessionNotFound } from "../problem.ts"
import { initRequestSchema, initResponseSchema, personInitRequestSchema } from "../schemas/init.ts"
import { problems } from "../schemas/problem.ts"

/** The headers by which most applications know a person, to tell one wrong credential from another. */
function credentialOf(c: Context<HttpEnv>): string {
  return `${c.req.header("authorization") ?? ""} ${c.req.header("cookie") ?? ""}`
}

export interface InitRouteOptions {
  readonly sessions: Sessions
  /** Name of the agent whose sessions these are. */
  readonly agent: string
  readonly tokens: SessionTokens
  readonly identify: Identify
  /** Whether the body has to bring an API key; else it may be empty. */
  readonly byApiKey: boolean
  readonly rateLimiting: RateLimiting
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/init: an API key, or whatever the application takes instead, for a session token. */
export function addInitRoute(app: OpenAPIHono<HttpEnv>, options: InitRouteOptions): void {
  const { sessions, agent, tokens, identify, byApiKey, rateLimiting, middleware } = options
  const schema = byApiKey ? initRequestSchema : personInitRequestSchema
  const route = createRoute({
    method: "post",
    path: "/chat/init",
    operationId: "initSession",
    summary: "Begin a session, or get a fresh token for one",
    tags: ["sessions"],
    security: [],
    middleware,
    request: { body: { required: byApiKey, content: { "application/json": { schema } } } },
    responses: {
      200: {
        description: "A session and a token for it.",
        content: { "application/json": { schema: initResponseSchema } },
      },
      ...problems(400, 401, 404, 413, 415, 422, 429, 500, 503),
    },
  })

  app.openapi(route, async (c) => {
    const body = c.req.valid("json")
    const claim: Claim = body
    const principal = await rateLimiting.failures.counting(c, claim.api_key ?? credentialOf(c), () => {
      return identify(claim, c.req.raw)
    })
    await rateLimiting.init[byApiKey ? "claimed" : "proven"](c, principal)
    const session =
      body.session_id === undefined
        ? await sessions.create(principal)
        : await existing(body.session_id, principal)
    const { id: sessionId, tenant, userId } = session
    const { token, expiresAt } = await tokens.issue({ sessionId, tenant, userId })
    return c.json(
      { session_token: token, session_id: sessionId, user_id: userId, expires_at: expiresAt },
      200,
    )
  })

  /** The same answer for one that never was, is another's or another agent's, or was revoked. */
  async function existing(sessionId: string, principal: Principal): Promise<Session> {
    const session = await sessions.session(sessionId)
    if (session?.agent !== agent || !isSamePrincipal(session, principal) || session.revokedAt !== null) {
      throw sessionNotFound(404)
    }
    return session
  }
}
