import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../../../http/http-env.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { readLastEventId } from "../last-event-id.ts"
import { readSnapshot } from "../read-snapshot.ts"
import { respondIdle } from "../respond-idle.ts"
import { findNamedRun } from "../run-ids.ts"
import { createRunStream } from "../stream-run.ts"

/** A client that may have nothing of the conversation. */
const viewsAll = { isFormer: false, isWhole: true, isAuthor: false, hasSteered: false }

/**
 * GET /ag-ui?threadId=&runId= joins a run. Without a run, it joins the open one, and responds with 204 if none is. An
 * id that only answers had leads to the open run, or shows the conversation if none is open.
 */
export function addJoinRoute(app: OpenAPIHono<HttpEnv>, path: string, parts: WireParts): void {
  const { middleware, conversations, sessions, streams } = parts
  app.on("GET", [path], ...middleware.byCaller, async (c) => {
    const { threadId, runId } = c.req.query()
    const received = readLastEventId(c)
    const session = await conversations.find(c, { id: threadId, agent: c.req.param("agent") })
    c.set("session", session)
    const found = await findNamedRun(sessions, session, runId)
    const named = threadId ?? session.externalId ?? session.id
    if (found === null) {
      if (runId === undefined) return c.body(null, 204)
      const viewer = { ...viewsAll, threadId: named, runId, from: session.lastSeq }
      return respondIdle(c, parts, session, { viewer })
    }
    const { run, isOwn } = found
    const { signal } = c.req.raw
    return streams.respond(c, session.id, async () => {
      const names = { threadId: named, runId: runId ?? run.id }
      const viewer = { ...viewsAll, ...names, from: run.cursor, isWhole: !isOwn }
      const position = await sessions.position(session.id, run.id)
      const snapshot = received === null ? await readSnapshot(parts, session, { before: run, signal }) : null
      return createRunStream(session, { run, viewer, position, received, snapshot })
    })
  })
}
