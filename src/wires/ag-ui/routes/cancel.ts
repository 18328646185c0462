import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { findRun } from "../run-ids.ts"

/**
 * DELETE /ag-ui?threadId=&runId= cancels a run, by default the open one. The protocol has no request for this, and a
 * client that closes its connection cancels nothing. The id of an answer is no id of a run here, because a late request
 * could otherwise cancel another run.
 */
export function addCancelRoute(app: OpenAPIHono<HttpEnv>, path: string, parts: WireParts): void {
  const { middleware, conversations, sessions } = parts
  app.on("DELETE", [path], ...middleware.byCaller, async (c) => {
    const { threadId, runId } = c.req.query()
    const session = await conversations.find(c, { id: threadId, agent: c.req.param("agent") })
    c.set("session", session)
    const named = runId === undefined ? null : await findRun(sessions, session, runId)
    const run = runId === undefined ? session.activeRun : (named?.run ?? null)
    const outcome = run === null ? null : await sessions.cancel(session.id, run.id)
    if (outcome?.status !== "accepted")
      throw new Problem({ code: "run_not_found", status: 404 }, "The session has no such open run.")
    return c.body(null, 204)
  })
}
