import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { formatDirectoryCursor, parseDirectoryCursor } from "../../../core/directory-cursor.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { isSamePrincipal } from "../../../http/auth/principal.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { createSessionNotFound, Problem } from "../../../http/problem.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import type { ServedAgents } from "../../../http/served-agents.ts"
import type { ListSessions } from "../../../http/wire-routes.ts"
import { toWireSession, toWireSessionWithRuns } from "../forms/sessions.ts"
import {
  defaultSessionsLimit,
  sessionResponseSchema,
  sessionsQuerySchema,
  sessionsResponseSchema,
} from "../schemas/sessions.ts"

/** Maximum number of runs in the description of one session. */
const shownRuns = 20

export interface SessionsRoutesOptions {
  readonly directory: ListSessions
  readonly agents: ServedAgents
  /** If false, any API key is accepted, so a client can claim to be any user. */
  readonly knowsUsers: boolean
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /sessions and GET /sessions/{id} list the sessions of the principal in the request's token. */
export function addSessionsRoutes(app: OpenAPIHono<HttpEnv>, options: SessionsRoutesOptions): void {
  const { directory, agents, knowsUsers, middleware } = options
  const list = createRoute({
    method: "get",
    path: "/sessions",
    operationId: "listSessions",
    summary: "The user's sessions, newest first",
    tags: ["sessions"],
    security: [{ sessionToken: [] }],
    middleware,
    request: { query: sessionsQuerySchema },
    responses: {
      200: {
        description: "One page of the sessions of the token's user.",
        content: { "application/json": { schema: sessionsResponseSchema } },
      },
      ...describeProblems(...ofToken, "400 invalid_cursor", "403 users_unknown", "422 invalid_body"),
    },
  })
  const show = createRoute({
    method: "get",
    path: "/sessions/{id}",
    operationId: "showSession",
    summary: "One session of the user",
    tags: ["sessions"],
    security: [{ sessionToken: [] }],
    middleware,
    request: { params: z.object({ id: z.string() }) },
    responses: {
      200: {
        description: "The session and its newest runs.",
        content: { "application/json": { schema: sessionResponseSchema } },
      },
      ...describeProblems(...ofToken, "403 users_unknown", "404 session_not_found"),
    },
  })

  app.openapi(list, async (c) => {
    const { agent, state, after, limit = defaultSessionsLimit } = c.req.valid("query")
    const principal = requireKnownPrincipal(c.get("session"))
    const { items, next } = await directory.sessions({
      principal,
      agents: agents.names.filter((name) => agent === undefined || name === agent),
      ...(state !== undefined && { states: [state] }),
      ...(after !== undefined && { after: parsePosition(after) }),
      limit: Number(limit),
    })
    const sessions = items.filter(({ revokedAt }) => revokedAt === null).map(toWireSession)
    return respondJson(c, { sessions, next: next === null ? null : formatDirectoryCursor(next) }, 200)
  })

  app.openapi(show, async (c) => {
    const principal = requireKnownPrincipal(c.get("session"))
    const session = await directory.session(c.req.valid("param").id)
    // The response is the same if the session does not exist, belongs to another principal, is not served here, or
    // was revoked.
    if (session === null || !isSamePrincipal(session, principal)) throw createSessionNotFound(404)
    if (!agents.has(session.agent) || session.revokedAt !== null) throw createSessionNotFound(404)
    const { items } = await directory.runs({ sessionId: session.id, limit: shownRuns })
    return respondJson(c, toWireSessionWithRuns(session, items), 200)
  })

  function requireKnownPrincipal({ tenant, userId }: Principal): Principal {
    if (knowsUsers) return { tenant, userId }
    throw new Problem(
      { code: "users_unknown", status: 403 },
      "Any API key is accepted, so sessions are not listed. The operator can set validApiKeys or authenticate.",
    )
  }
}

function parsePosition(after: string) {
  const position = parseDirectoryCursor(after)
  if (position !== null) return position
  throw new Problem({ code: "invalid_cursor", status: 400 }, "after must be the `next` of an earlier page.")
}
