import type { Context, MiddlewareHandler } from "hono"
import { decodeProtectedHeader } from "jose"
import type { HttpEnv } from "../http-env.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { createUnauthorized, Problem } from "../problem.ts"
import { selectCredential } from "../request/credential.ts"
import type { FindTokenSession } from "./authenticate.ts"
import type { Caller } from "./caller.ts"
import type { Identify } from "./identify.ts"
import { tokenType } from "./tokens.ts"

export interface ResolveCallerOptions {
  readonly findSession: FindTokenSession
  readonly identify: Identify
  /** If true, API keys are accepted. Otherwise the application identifies the sender by the request. */
  readonly byApiKey: boolean
  /** Throws a problem if a page of another site may have made a browser send the request. */
  readonly checkAmbient: (c: Context<HttpEnv>) => void
  /** Name of the header in which the holder of an API key names a user. */
  readonly userHeader: string
  readonly rateLimiting: Pick<RateLimiting, "failures" | "principal" | "session">
}

/**
 * For routes that accept any credential of a client: a session token, an API key, or whatever the application
 * accepts. Sets the caller, and counts the request on its account. The form of a credential decides its kind, so a
 * refused one is never tried as another kind.
 */
export function resolveCaller(options: ResolveCallerOptions): MiddlewareHandler<HttpEnv> {
  const { findSession, identify, byApiKey, checkAmbient, userHeader, rateLimiting } = options
  const { failures } = rateLimiting
  return async (c, next) => {
    const caller = await findCaller(c)
    c.set("caller", caller)
    if (caller.session !== null) return rateLimiting.session(c, next)
    await rateLimiting.principal(c, caller.principal)
    await next()
  }

  async function findCaller(c: Context<HttpEnv>): Promise<Caller> {
    const bearer = readBearer(c)
    const userId = readUser(c)
    if (bearer !== null && isSessionToken(bearer)) {
      const session = await failures.counting(c, bearer, () => findSession(bearer))
      c.set("session", session)
      return requireUser({ principal: session, credential: "sessionToken", session }, userId)
    }
    if (byApiKey) {
      if (bearer === null) throw createCredentialMissing()
      const claim = { api_key: bearer, user_id: userId }
      const principal = await failures.counting(c, bearer, () => identify(claim, c.req.raw))
      return { principal, credential: "apiKey", session: null }
    }
    checkAmbient(c)
    const principal = await failures.counting(c, selectCredential(c), () => identify({}, c.req.raw))
    return requireUser({ principal, credential: "authenticate", session: null }, userId)
  }

  /** Repeated headers arrive joined by a comma, which no user id contains. */
  function readUser(c: Context<HttpEnv>): string | undefined {
    const userId = c.req.header(userHeader)
    if (userId === undefined || /^[\x21-\x2b\x2d-\x7e]{1,256}$/.test(userId)) return userId
    throw new Problem(
      { code: "invalid_user", status: 400 },
      `The header ${userHeader} must be one id of 1 to 256 visible ASCII characters without a comma.`,
    )
  }

  /** Only the holder of a key may name a user. Everyone else is who the credential says. */
  function requireUser(caller: Caller, userId: string | undefined): Caller {
    if (userId === undefined || userId === caller.principal.userId) return caller
    throw new Problem(
      { code: "user_mismatch", status: 409 },
      `The header ${userHeader} names another user than the credential. Leave the header out.`,
    )
  }
}

function readBearer(c: Context<HttpEnv>): string | null {
  return /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null
}

function isSessionToken(credential: string): boolean {
  try {
    return decodeProtectedHeader(credential).typ === tokenType
  } catch {
    // It is no JWT, but a key, or a token of the application.
    return false
  }
}

function createCredentialMissing(): Problem {
  return createUnauthorized(
    "invalid_credentials",
    "The request needs an Authorization header with a Bearer token: an API key or a session token.",
  )
}
