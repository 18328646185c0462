import type { Context } from "hono"
import type { Session } from "../../core/ports/store/session-log.ts"
import { isSamePrincipal } from "../../http/auth/principal.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import type { WireParts } from "../../http/wire-routes.ts"

/** A request with the parts of the app that serve it. */
export interface Exchange {
  readonly c: Context<HttpEnv>
  readonly parts: WireParts
}

/** Resolves to a session of the caller. Null if it does not exist, belongs to someone else, or was revoked. */
export async function findOwnSession({ c, parts }: Exchange, sessionId: string): Promise<Session | null> {
  const { principal, agent, session: ofToken } = c.get("caller")
  const session = await parts.sessions.session(sessionId)
  const isOwn = session !== null && isSamePrincipal(session, principal) && session.revokedAt === null
  const isReachable =
    isOwn &&
    parts.agents.has(session.agent) &&
    (agent === null || agent === session.agent) &&
    (ofToken === null || ofToken.id === session.rootId)
  return isReachable ? session : null
}

/** Returns true for the holder of an API key, which is a server and no user. */
export function isKeyHolder({ c }: Exchange): boolean {
  return c.get("caller").credential === "apiKey"
}

/** Throws a 403 problem for the holder of a session's token, who has one session only. */
export function requireManySessions({ c }: Exchange): void {
  if (c.get("caller").session === null) return
  throw new Problem(
    { code: "key_required", status: 403 },
    "This request needs a session of its own, which a session token cannot have. Use an API key.",
  )
}

/** Returns the instructions that the client may give, as one text. Undefined if there are none. */
export function selectInstructions(
  exchange: Exchange,
  texts: readonly (string | null | undefined)[],
): string | undefined {
  if (!isKeyHolder(exchange) && !exchange.parts.allowSystemMessages) return undefined
  const given = texts.filter((text) => text !== undefined && text !== null && text.trim() !== "")
  return given.length === 0 ? undefined : given.join("\n\n")
}

/** Returns a function that recreates the request without its body, for an agent that looks at its headers. */
export function createRequestSource({ c }: Exchange): () => Request {
  const { url, method, headers } = c.req.raw
  return () => new Request(url, { method, headers: [...headers] })
}
