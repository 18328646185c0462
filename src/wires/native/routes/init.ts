import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { Claim, Identify } from "../../../http/auth/identify.ts"
import type { Callers } from "../../../http/auth/resolve-caller.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import type { IssueSession, IssueUserToken } from "../../../http/issue-session.ts"
import type { RateLimiting } from "../../../http/limits/rate-limits.ts"
import { selectCredential } from "../../../http/request/credential.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofBody, ofCredentials, ofStore, type Refusal } from "../../../http/schemas/refusals.ts"
import type { ServedAgents } from "../../../http/served-agents.ts"
import {
  type InitResponse,
  initRequestSchema,
  initResponseSchema,
  personInitRequestSchema,
  type UserTokenResponse,
  userTokenResponseSchema,
} from "../schemas/init.ts"

const ofTokensAtInit = [
  ...["403 credential_not_accepted", "403 user_required", "403 users_unknown"],
] as const satisfies readonly Refusal[]

export interface InitRouteOptions {
  readonly agents: ServedAgents
  readonly issueSession: IssueSession
  readonly issueUserToken: IssueUserToken
  readonly requireAccess: Callers["require"]
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
  const { agents, issueSession, issueUserToken, requireAccess, identify, byApiKey, rateLimiting } = options
  const schema = byApiKey ? initRequestSchema : personInitRequestSchema
  const common = {
    method: "post" as const,
    tags: ["sessions"],
    security: byApiKey
      ? []
      : describeSecurity("init").filter(({ authenticate }) => authenticate !== undefined),
    middleware: options.middleware,
    responses: {
      200: describeJson(
        "A session and a token for it. With the scope `user`, a token for the user.",
        z.union([initResponseSchema, userTokenResponseSchema]),
      ),
      ...describeProblems(...ofBody, ...ofStore, ...ofCredentials, ...ofTokensAtInit),
    },
  }
  const body = { required: byApiKey, content: { "application/json": { schema } } }
  const route = createRoute({
    ...common,
    path: "/chat/init",
    operationId: "initSession",
    summary: "Get a token: for a session with the default agent, or for the user",
    request: { body },
  })
  const namedRoute = createRoute({
    ...common,
    path: "/agents/{name}/chat/init",
    operationId: "initSessionWithAgent",
    summary: "Get a token: for a session with a named agent, or for the user",
    request: { body, params: z.object({ name: z.string().openapi({ description: "The agent's name." }) }) },
  })

  app.openapi(route, async (c) => respondJson(c, await init(c, c.req.valid("json"), agents.defaultName), 200))
  app.openapi(namedRoute, async (c) => {
    return respondJson(c, await init(c, c.req.valid("json"), c.req.valid("param").name), 200)
  })

  async function init(
    c: Context<HttpEnv>,
    claim: Claim,
    agent: string,
  ): Promise<InitResponse | UserTokenResponse> {
    const { api_key: key, session_id: sessionId, external_id: externalId } = claim
    const principal = await rateLimiting.failures.counting(c, key ?? selectCredential(c), () => {
      return identify(claim, c.req.raw)
    })
    const isOfUser = claim.scope === "user"
    const credential = byApiKey ? "apiKey" : "authenticate"
    requireAccess(isOfUser ? "initUser" : "init", { credential, principal })
    await rateLimiting.init[byApiKey ? "claimed" : "proven"](c, principal)
    if (isOfUser) return issueUserToken(principal, agent)
    return issueSession(principal, { agent, sessionId, externalId })
  }
}
