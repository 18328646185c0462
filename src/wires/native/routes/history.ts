import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import type { HistoryReads } from "../../../http/limits/history-reads.ts"
import { createInvalidBody, Problem } from "../../../http/problem.ts"
import { toFieldErrors } from "../../../http/request/field-errors.ts"
import { respondText } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import { createTextStream } from "../../../http/streams/text-stream.ts"
import type { HistoryQuery, Sessions } from "../../../kernel/sessions/sessions.ts"
import { writeHistoryJson } from "../forms/history.ts"
import { defaultRuns, historyQuerySchema, historyResponseSchema } from "../schemas/history.ts"

export interface HistoryRouteOptions {
  readonly sessions: Sessions
  readonly historyReads: HistoryReads
  readonly logger: Logger
  /** Returns true if clients of the tenant see the own messages of providers. */
  readonly showsProviderErrors: (tenant: string) => boolean
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /chat/history returns everything that a client needs to redraw itself after a reload. */
export function addHistoryRoute(
  app: OpenAPIHono<HttpEnv>,
  { sessions, historyReads, logger, showsProviderErrors, middleware }: HistoryRouteOptions,
): void {
  const route = createRoute({
    method: "get",
    path: "/chat/history",
    operationId: "history",
    summary: "The conversation so far",
    tags: ["chat"],
    security: describeSecurity("session"),
    request: { query: historyQuerySchema },
    responses: {
      200: describeJson("The session's messages, its open run and its open waits.", historyResponseSchema),
      ...describeProblems(
        ...ofToken,
        "404 sub_agent_not_found",
        "422 invalid_body",
        "429 too_many_history_reads",
      ),
    },
  })

  app.openAPIRegistry.registerPath(route)
  for (const handler of middleware) app.get(route.path, handler)
  app.get(route.path, async (c) => {
    const { subAgentId, ...page } = parseQuery(c.req.query())
    const own = c.get("session")
    const session = subAgentId === undefined ? own : await findSubAgent(sessions, own, subAgentId)
    const leave = historyReads.take(session, (page.runs ?? page.turns) === undefined ? "whole" : "page")
    const { signal: leaving } = c.req.raw
    const closing = new AbortController()
    const onEnd = () => {
      leave()
      // Without a reason, the abort would create an exception with a stack.
      closing.abort("the response ended")
    }
    // A client may disconnect before the response has a body, while its read waits for others.
    const signal = AbortSignal.any([closing.signal, leaving])
    const providerErrors = showsProviderErrors(own.tenant)
    const pieces = writeHistoryJson(sessions.history(session.id, { ...page, signal }), {
      signal,
      providerErrors,
    })
    const headers = { "content-type": "application/json" }
    try {
      // An error before the first piece becomes a problem response, because the response has not started yet.
      const { value: beginning = "" } = await pieces.next()
      const following = await pieces.next()
      if (following.done !== true && c.req.method !== "HEAD") {
        const body = createTextStream({
          pieces: resumePieces([beginning, following.value], pieces),
          onEnd,
          logger,
        })
        return c.body(body, 200, headers)
      }
      onEnd()
      await pieces.return(undefined)
      return respondText(c, beginning, 200, headers)
    } catch (error) {
      onEnd()
      // No one receives this response.
      if (leaving.aborted && error === leaving.reason) return new Response(null, { status: 499 })
      throw error
    }
  })
}

interface ParsedQuery extends Pick<HistoryQuery, "before" | "runs" | "turns"> {
  readonly subAgentId?: string | undefined
}

function parseQuery(given: Readonly<Record<string, string>>): ParsedQuery {
  const { data, error } = historyQuerySchema.safeParse(given)
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  const { limit, turns, before, sub_agent_id: subAgentId } = data
  const isLimited = limit !== undefined || turns !== undefined
  const runs = limit ?? (before === undefined || isLimited ? undefined : String(defaultRuns))
  return {
    subAgentId,
    ...(runs !== undefined && { runs: Number(runs) }),
    ...(turns !== undefined && { turns: Number(turns) }),
    ...(before !== undefined && { before: Number(before) }),
  }
}

/** Resolves to the session of a sub-agent. Throws a `Problem` unless it is in the same tree as the token's session. */
async function findSubAgent(
  sessions: Sessions,
  { rootId, tenant, userId }: Session,
  id: string,
): Promise<Session> {
  const found = await sessions.session(id)
  const isOfTree = found?.rootId === rootId && found.tenant === tenant && found.userId === userId
  if (found !== null && isOfTree) return found
  throw new Problem({ code: "sub_agent_not_found", status: 404 }, "The session has no such sub-agent.")
}

/**
 * Returns the pieces that were read ahead, then the remaining ones. Unlike a generator, it forwards `return` before the
 * first piece was requested.
 */
function resumePieces(read: readonly string[], rest: AsyncGenerator<string>): AsyncIterator<string> {
  const ahead = [...read]
  return {
    async next() {
      const value = ahead.shift()
      return value === undefined ? rest.next() : { done: false, value }
    },
    return: () => rest.return(undefined),
  }
}
