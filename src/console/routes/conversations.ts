import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { formatDirectoryCursor } from "../../core/directory-cursor.ts"
import type { Directory, ListedSession } from "../../core/ports/store/directory.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import type { IssueSession } from "../../http/issue-session.ts"
import type { FindTitles } from "../../operations/titles.ts"
import { createConversations } from "../conversations.ts"
import { readBody, readCursor } from "../read-request.ts"

export interface ConversationRoutesOptions {
  readonly prefix: string
  readonly directory: Directory
  readonly agents: readonly string[]
  readonly titles: FindTitles
  readonly issueSession: IssueSession
  /** Owner of the conversations. */
  readonly principal: Principal
  readonly body: MiddlewareHandler<HttpEnv>
}

const sessionSchema = z.strictObject({
  session_id: z.string().max(128).optional(),
  agent: z.string().max(64).optional(),
})

/** POST session returns a token for the HTTP API. GET conversations lists the console's own sessions with titles. */
export function addConversationRoutes(root: OpenAPIHono<HttpEnv>, options: ConversationRoutesOptions): void {
  const { prefix, issueSession, principal, body } = options
  const conversations = createConversations(options, principal)

  root.post(`${prefix}/session`, body, async (c) => {
    const { session_id: sessionId, agent } = await readBody(c, sessionSchema)
    return c.json(await issueSession(principal, { sessionId, agent }))
  })

  root.get(`${prefix}/conversations`, async (c) => {
    const { items, next } = await conversations(readCursor(c.req.query("after")), c.req.raw.signal)
    const shown = items.map(({ session, title }) => formatConversation(session, title))
    return c.json({ items: shown, next: next === null ? null : formatDirectoryCursor(next) })
  })
}

function formatConversation(
  { id, agent, state, createdAt, lastUsedAt }: ListedSession,
  title: string | null,
) {
  const times = { created_at: toSeconds(createdAt), last_used_at: toSeconds(lastUsedAt) }
  return { session_id: id, agent, state, title, ...times }
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
