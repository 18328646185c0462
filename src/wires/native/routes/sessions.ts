import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { formatDirectoryCursor, parseDirectoryCursor } from "../../../core/directory-cursor.ts"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { Caller } from "../../../http/auth/caller.ts"
import { isSamePrincipal } from "../../../http/auth/principal.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { createSessionNotFound, Problem } from "../../../http/problem.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofUser } from "../../../http/schemas/refusals.ts"
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
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /sessions and GET /sessions/{id} list the sessions of the caller's principal. */
export function addSessionsRoutes(app: OpenAPIHono<HttpEnv>, options: SessionsRoutesOptions): void {
  const { directory, agents, middleware } = options
  const list = createRoute({
    method: "get",
    path: "/sessions",
    operationId: "listSessions",
    summary: "The user's sessions, newest first",
    tags: ["sessions"],
    security: describeSecurity("user"),
    middleware,
    request: { query: sessionsQuerySchema },
    responses: {
      200: describeJson(
        "One page of the user's sessions. A user token lists those with its agent.",
        sessionsResponseSchema,
      ),
      ...describeProblems(...ofUser, "400 invalid_cursor", "422 invalid_body"),
    },
  })
  const show = createRoute({
    method: "get",
    path: "/sessions/{id}",
    operationId: "showSession",
    summary: "One session of the user",
    tags: ["sessions"],
    security: describeSecurity("user"),
    middleware,
    request: { params: z.object({ id: z.string() }) },
    responses: {
      200: describeJson("The session and its newest runs.", sessionResponseSchema),
      ...describeProblems(...ofUser, "404 session_not_found"),
    },
  })

  app.openapi(list, async (c) => {
    const { agent, state, after, limit = defaultSessionsLimit } = c.req.valid("query")
    const { principal } = c.get("caller")
    const served = listServed(c.get("caller"))
    const { items, next } = await directory.sessions({
      principal,
      agents: served.filter((name) => agent === undefined || name === agent),
      ...(state !== undefined && { states: [state] }),
      ...(after !== undefined && { after: parsePosition(after) }),
      limit: Number(limit),
    })
    const sessions = items.filter(({ revokedAt }) => revokedAt === null).map(toWireSession)
    return respondJson(c, { sessions, next: next === null ? null : formatDirectoryCursor(next) }, 200)
  })

  app.openapi(show, async (c) => {
    const { principal } = c.get("caller")
    const session = await directory.session(c.req.valid("param").id)
    // The response is the same if the session does not exist, belongs to another principal, is not served here, or
    // was revoked.
    if (session === null || !isSamePrincipal(session, principal)) throw createSessionNotFound(404)
    if (!listServed(c.get("caller")).includes(session.agent) || session.revokedAt !== null)
      throw createSessionNotFound(404)
    const { items } = await directory.runs({ sessionId: session.id, limit: shownRuns })
    return respondJson(c, toWireSessionWithRuns(session, items), 200)
  })

  /** A user token is for one agent. */
  function listServed({ credential, agent }: Caller): readonly string[] {
    return credential === "userToken" ? agents.names.filter((name) => name === agent) : agents.names
  }
}

function parsePosition(after: string) {
  const position = parseDirectoryCursor(after)
  if (position !== null) return position
  throw new Problem({ code: "invalid_cursor", status: 400 }, "after must be the `next` of an earlier page.")
}
