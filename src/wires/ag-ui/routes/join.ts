import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../../../http/http-env.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { readLastEventId } from "../last-event-id.ts"
import { createRunNotFound } from "../problems.ts"
import { readSnapshot } from "../read-snapshot.ts"
import { findNamedRun } from "../run-ids.ts"
import { createRunStream } from "../stream-run.ts"

/** GET /ag-ui?threadId=&runId= joins a run. Without a run, it joins the open one, and responds with 204 if none is. */
export function addJoinRoute(app: OpenAPIHono<HttpEnv>, path: string, parts: WireParts): void {
  const { middleware, conversations, sessions, streams } = parts
  app.on("GET", [path], ...middleware.byCaller, async (c) => {
    const { threadId, runId } = c.req.query()
    const received = readLastEventId(c)
    const session = await conversations.find(c, { id: threadId, agent: c.req.param("agent") })
    c.set("session", session)
    const found = await findNamedRun(sessions, session, runId)
    if (found === null && runId !== undefined) throw createRunNotFound()
    if (found === null) return c.body(null, 204)
    const { run, isOwn } = found
    const { signal } = c.req.raw
    return streams.respond(c, session.id, async () => {
      const viewer = {
        ...{
          threadId: threadId ?? session.externalId ?? session.id,
          runId: runId ?? run.id,
          from: run.cursor,
        },
        ...{ isFormer: false, isWhole: !isOwn, isAuthor: false, hasSteered: false },
      }
      const position = await sessions.position(session.id, run.id)
      const snapshot = received === null ? await readSnapshot(parts, session, { before: run, signal }) : null
      return createRunStream(session, { run, viewer, position, received, snapshot })
    })
  })
}
