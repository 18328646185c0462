import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import type { Claim, Identify } from "../../../http/auth/identify.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import type { IssueSession } from "../../../http/issue-session.ts"
import type { RateLimiting } from "../../../http/limits/rate-limits.ts"
import { selectCredential } from "../../../http/request/credential.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofBody, ofCredentials, ofStore } from "../../../http/schemas/refusals.ts"
import type { ServedAgents } from "../../../http/served-agents.ts"
import {
  type InitResponse,
  initRequestSchema,
  initResponseSchema,
  personInitRequestSchema,
} from "../schemas/init.ts"

export interface InitRouteOptions {
  readonly agents: ServedAgents
  readonly issueSession: IssueSession
  readonly identify: Identify
  /** If true, the body must contain an API key. Otherwise it may be empty. */
  readonly byApiKey: boolean
  readonly rateLimiting: RateLimiting
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/**
 * POST /chat/init, and the same route for a named agent, exchange an API key or the application's own credentials for
 * a session token.
 */
export function addInitRoute(app: OpenAPIHono<HttpEnv>, options: InitRouteOptions): void {
  const { agents, issueSession, identify, byApiKey, rateLimiting, middleware } = options
  const schema = byApiKey ? initRequestSchema : personInitRequestSchema
  const common = {
    method: "post" as const,
    tags: ["sessions"],
    security: [],
    middleware,
    responses: {
      200: {
        description: "A session and a token for it.",
        content: { "application/json": { schema: initResponseSchema } },
      },
      ...describeProblems(...ofBody, ...ofStore, ...ofCredentials),
    },
  }
  const body = { required: byApiKey, content: { "application/json": { schema } } }
  const route = createRoute({
    ...common,
    path: "/chat/init",
    operationId: "initSession",
    summary: "Start a session with the default agent, or get a fresh token for one",
    request: { body },
  })
  const namedRoute = createRoute({
    ...common,
    path: "/agents/{name}/chat/init",
    operationId: "initSessionWithAgent",
    summary: "Start a session with a named agent, or get a fresh token for one",
    request: { body, params: z.object({ name: z.string().openapi({ description: "The agent's name." }) }) },
  })

  app.openapi(route, async (c) => respondJson(c, await init(c, c.req.valid("json"), agents.defaultName), 200))
  app.openapi(namedRoute, async (c) => {
    return respondJson(c, await init(c, c.req.valid("json"), c.req.valid("param").name), 200)
  })

  async function init(c: Context<HttpEnv>, claim: Claim, agent: string): Promise<InitResponse> {
    const principal = await rateLimiting.failures.counting(c, claim.api_key ?? selectCredential(c), () => {
      return identify(claim, c.req.raw)
    })
    await rateLimiting.init[byApiKey ? "claimed" : "proven"](c, principal)
    return issueSession(principal, { agent, sessionId: claim.session_id, externalId: claim.external_id })
  }
}
