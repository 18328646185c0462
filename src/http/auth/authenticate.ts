import type { Context, MiddlewareHandler } from "hono"
import type { Session } from "../../core/ports/store/session-log.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import type { FailureLimit } from "../limits/rate-limits.ts"
import { createSessionNotFound, createSessionRevoked } from "../problem.ts"
import type { ServedAgents } from "../served-agents.ts"
import { isSamePrincipal } from "./principal.ts"
import { createInvalidTokenError, type Tokens } from "./tokens.ts"

/**
 * Requires a token of an existing, unrevoked session of a served agent, and passes the session on. A valid token is
 * accepted whatever else its address has sent, so that a client that shares an address with an attacker is not locked
 * out.
 */
export function authenticate(
  findSession: FindTokenSession,
  failures: FailureLimit,
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    // A request without a token is not a guess, because any web page can make a browser send one.
    const token = readBearerToken(c)
    const session = await failures.counting(c, token, () => findSession(token))
    c.set("session", session)
    c.set("caller", { principal: session, credential: "sessionToken", session })
    await next()
  }
}

export type FindTokenSession = (token: string) => Promise<Session>

/** Creates a function that resolves to the session of a token. It rejects with a 401 problem. */
export function createFindTokenSession({
  tokens,
  sessions,
  agents,
}: {
  readonly tokens: Pick<Tokens, "verify">
  readonly sessions: Pick<Sessions, "session">
  readonly agents: ServedAgents
}): FindTokenSession {
  return async (token) => {
    const { subject } = await tokens.verify("session", token)
    const session = await sessions.session(subject.sessionId)
    if (session === null || !agents.has(session.agent) || !isSamePrincipal(session, subject)) {
      throw createSessionNotFound(401)
    }
    if (session.revokedAt !== null) throw createSessionRevoked()
    return session
  }
}

/**
 * Refuses a request whose session was revoked while its body arrived, which a client can draw out. Must follow the
 * reader of the body.
 */
export function refuseRevokedMeanwhile(sessions: Pick<Sessions, "session">): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    if (c.get("bodyBytes") !== undefined) {
      const session = await sessions.session(c.get("session").id)
      if (session === null) throw createSessionNotFound(401)
      if (session.revokedAt !== null) throw createSessionRevoked()
    }
    await next()
  }
}

/**
 * Returns the token from the header only (RFC 6750, section 2.1), because tokens in URLs end up in logs and
 * histories.
 */
function readBearerToken(c: Context<HttpEnv>): string {
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(c.req.header("authorization") ?? "")?.[1]
  if (token === undefined)
    throw createInvalidTokenError("The request needs an Authorization header with a Bearer token.")
  return token
}
