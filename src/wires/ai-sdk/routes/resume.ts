import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { Run, Session } from "../../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { createRunStream } from "../stream-run.ts"

/**
 * Milliseconds for which the message of an ended run can be read again. A client that has lost its connection would
 * otherwise take a part of the message for the whole of it.
 */
const readableMs = 10 * 60_000

/** GET /ai-sdk/chat/{id}/stream streams the newest message of a conversation again, from its start. */
export function addResumeRoute(app: OpenAPIHono<HttpEnv>, prefix: string, parts: WireParts): void {
  const { middleware, sessions, streams } = parts
  app.on("GET", [`${prefix}/chat/:id/stream`], ...middleware.byCaller, async (c) => {
    const session = await findConversation(c, parts)
    const run = session === null ? null : await findNewestRun(session, parts)
    if (session === null || run === null) return c.body(null, 204)
    c.set("session", session)
    return streams.respond(c, session.id, async () => {
      const { id: runId, cursor: afterSeq } = run
      const position = await sessions.position(session.id, runId)
      return createRunStream(session, "resumed", { runId, afterSeq, position, fromRunStart: true })
    })
  })
}

/** Resolves to null if the client has sent no message yet. Clients resume before that. */
export async function findConversation(c: Context<HttpEnv>, parts: WireParts): Promise<Session | null> {
  try {
    return await parts.conversations.find(c, { id: c.req.param("id"), agent: c.req.param("agent") })
  } catch (error) {
    if (error instanceof Problem && error.status === 404 && error.code === "session_not_found") return null
    throw error
  }
}

async function findNewestRun(
  session: Session,
  { sessions, directory, clock }: WireParts,
): Promise<Run | null> {
  const { id: sessionId, activeRun, lastUsedAt, hasDueWork } = session
  if (activeRun !== null) return activeRun
  if (!hasDueWork && clock.now() - lastUsedAt > readableMs) return null
  const [newest] = (await directory.runs({ sessionId, limit: 1 })).items
  return newest === undefined ? null : sessions.run(sessionId, newest.id)
}
