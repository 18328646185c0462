import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../../../http/http-env.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { findConversation } from "./resume.ts"

/**
 * POST /ai-sdk/chat/{id}/stop cancels the open run of a conversation, if there is one. A client that only closes its
 * connection does not stop the run.
 */
export function addStopRoute(app: OpenAPIHono<HttpEnv>, prefix: string, parts: WireParts): void {
  app.on("POST", [`${prefix}/chat/:id/stop`], ...parts.middleware.byCaller, async (c) => {
    const session = await findConversation(c, parts)
    if (session !== null) await parts.sessions.cancel(session.id, null)
    return c.body(null, 204)
  })
}
