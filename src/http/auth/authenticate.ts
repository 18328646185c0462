import type { MiddlewareHandler } from "hono"
import type { Sessions } from "../../sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import { sessionNotFound } from "../problem.ts"
import { isSamePrincipal } from "./principal.ts"
import { invalidToken, type SessionTokens } from "./tokens.ts"

/** Lets through whoever holds a token of a session that exists, and hands the session on. */
export function authenticate(tokens: SessionTokens, sessions: Sessions): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const subject = await tokens.verify(bearerToken(c.req.header("authorization")))
    const session = await sessions.session(subject.sessionId)
    if (session === null || !isSamePrincipal(session, subject)) throw sessionNotFound(401)
    c.set("session", session)
    await next()
  }
}

/** Only from the header (RFC 6750, section 2.1): tokens in addresses end up in logs and histories. */
function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? "")?.[1]
  if (token === undefined)
    throw invalidToken("The request needs an Authorization header with a Bearer token.")
  return token
}
