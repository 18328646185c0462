import type { Context, MiddlewareHandler } from "hono"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { createSessionNotFound, createSessionRevoked, createUnauthorized, Problem } from "../problem.ts"
import { readBearer, selectCredential } from "../request/credential.ts"
import type { ServedAgents } from "../served-agents.ts"
import { type AccessRow, access, type ClientPaths, credentials, listAccepted, toSender } from "./access.ts"
import type { Caller } from "./caller.ts"
import type { Identify } from "./identify.ts"
import { isSamePrincipal } from "./principal.ts"
import { createInvalidTokenError, createTokenRevokedError, readTokenKind, type Tokens } from "./tokens.ts"

export interface CallersOptions {
  readonly tokens: Tokens
  readonly sessions: Pick<Sessions, "session">
  readonly agents: ServedAgents
  readonly identify: Identify
  /** If true, API keys are accepted. Otherwise the application identifies the sender by the request. */
  readonly byApiKey: boolean
  /** If false, any API key is accepted, so a client can claim to be any user. */
  readonly knowsUsers: boolean
  /** Throws a problem if a page of another site may have made a browser send the request. */
  readonly checkAmbient: (c: Context<HttpEnv>) => void
  /** Name of the header in which the holder of an API key names a user. */
  readonly userHeader: string
  readonly failures: RateLimiting["failures"]
}

/** Finds out who sends a request, and decides by the table of access. */
export interface Callers {
  /** Admits the senders that may use these paths, and sets the caller. */
  admit(paths: ClientPaths): MiddlewareHandler<HttpEnv>
  /** Throws a problem if a sender whose credentials are not in the header may not use these paths. */
  require(paths: ClientPaths, caller: Pick<Caller, "credential" | "principal">): void
  /** Refuses tokens, for a path that issues them: no token leads to another. */
  readonly refuseTokens: MiddlewareHandler<HttpEnv>
  /**
   * Returns a reader of bodies that refuses a request if the tokens of its user were revoked while the body arrived,
   * which a client can draw out. A revoked session refuses messages by itself.
   */
  readWhileValid(read: MiddlewareHandler<HttpEnv>): MiddlewareHandler<HttpEnv>
  /**
   * Refuses a request whose token or session was revoked while its body arrived. For routes that do not ask the session
   * itself. Must follow the reader of the body.
   */
  readonly refuseRevokedMeanwhile: MiddlewareHandler<HttpEnv>
}

/**
 * Creates the one place that knows callers. The form of a credential decides its kind, so a refused one is never tried
 * as another kind. A valid token is accepted whatever else its address has sent, so that a client that shares an
 * address with an attacker is not locked out.
 */
export function createCallers(options: CallersOptions): Callers {
  const { tokens, sessions, agents, identify, byApiKey, knowsUsers, checkAmbient, userHeader } = options
  const { failures } = options

  return {
    admit(paths) {
      return async (c, next) => {
        const caller = await resolve(c, access[paths])
        requireAccess(paths, caller)
        c.set("caller", caller)
        if (caller.session !== null) c.set("session", caller.session)
        await next()
      }
    },
    require: requireAccess,
    async refuseTokens(c, next) {
      const bearer = readBearer(c.req.header("authorization"))
      const caller = bearer === null ? null : await resolveToken(c, bearer)
      if (caller !== null) requireAccess("init", caller)
      await next()
    },
    readWhileValid(read) {
      return (c, next) =>
        read(c, async () => {
          if (await c.get("caller").isRevoked()) throw createTokenRevokedError()
          await next()
        })
    },
    async refuseRevokedMeanwhile(c, next) {
      if (c.get("bodyBytes") !== undefined) await c.get("caller").requireUnrevoked()
      await next()
    },
  }

  async function resolve(c: Context<HttpEnv>, { verdicts }: AccessRow): Promise<Caller> {
    const userId = readUser(c)
    const bearer = readBearer(c.req.header("authorization"))
    const byToken = bearer === null ? null : await resolveToken(c, bearer)
    if (byToken !== null) return requireUser(byToken, userId)
    if (byApiKey) {
      // A request without a credential is not a guess, because any web page can make a browser send one.
      if (bearer === null) throw createCredentialMissing(verdicts)
      const principal = await failures.counting(c, bearer, async () => {
        // Where any key is accepted, a key proves nothing, and is no better than a false token.
        if (!knowsUsers && verdicts.apiKey === "403") throw createInvalidTokenError()
        return identify({ api_key: bearer, user_id: userId }, c.req.raw)
      })
      return { ...withoutToken, principal, credential: "apiKey" }
    }
    if (verdicts.authenticate === "401") throw createCredentialMissing(verdicts)
    checkAmbient(c)
    const principal = await failures.counting(c, selectCredential(c), () => identify({}, c.req.raw))
    return requireUser({ ...withoutToken, principal, credential: "authenticate" }, userId)
  }

  /** Resolves to null for a credential that is not a token of the gateway. */
  async function resolveToken(c: Context<HttpEnv>, bearer: string): Promise<Caller | null> {
    switch (readTokenKind(bearer)) {
      case "session":
        return failures.counting(c, bearer, () => findBySessionToken(bearer))
      case "user":
        return failures.counting(c, bearer, () => findByUserToken(bearer))
      default:
        return null
    }
  }

  async function findBySessionToken(token: string): Promise<Caller> {
    const { subject, isRevoked } = await tokens.verify("session", token)
    const find = async () => {
      const session = await sessions.session(subject.sessionId)
      if (session === null || !agents.has(session.agent) || !isSamePrincipal(session, subject))
        throw createSessionNotFound(401)
      if (session.revokedAt !== null) throw createSessionRevoked()
      return session
    }
    const session = await find()
    const { tenant, userId, agent } = session
    return {
      principal: { tenant, userId },
      credential: "sessionToken",
      session,
      agent,
      isRevoked,
      async requireUnrevoked() {
        if (await isRevoked()) throw createTokenRevokedError()
        await find()
      },
    }
  }

  async function findByUserToken(token: string): Promise<Caller> {
    const { subject, isRevoked } = await tokens.verify("user", token)
    const { tenant, userId, agent } = subject
    if (!agents.has(agent))
      throw createInvalidTokenError("The gateway does not serve the agent of the token.")
    return {
      principal: { tenant, userId },
      credential: "userToken",
      session: null,
      agent,
      isRevoked,
      async requireUnrevoked() {
        if (await isRevoked()) throw createTokenRevokedError()
      },
    }
  }

  function requireAccess(paths: ClientPaths, caller: Pick<Caller, "credential" | "principal">): void {
    const { verdicts, needsUsers }: AccessRow = access[paths]
    const verdict = verdicts[toSender(caller)]
    if (verdict === "401") throw createCredentialMissing(verdicts)
    if (verdict === "403") throw createNotAccepted(verdicts, caller)
    if (needsUsers && !knowsUsers) throw createUsersUnknown()
    // A session token may belong to a session without a user.
    if (verdict === "noUser" || (needsUsers && caller.principal.userId === ""))
      throw createUserRequired(userHeader)
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

const withoutToken = {
  ...{ session: null, agent: null },
  isRevoked: async () => false,
  requireUnrevoked: async () => {},
} as const

function createCredentialMissing(verdicts: AccessRow["verdicts"]): Problem {
  if (verdicts.authenticate === "401")
    return createInvalidTokenError("The request needs an Authorization header with a Bearer token.")
  return createUnauthorized(
    "invalid_credentials",
    `The request needs an Authorization header with a Bearer token: ${formatAccepted(verdicts)}.`,
  )
}

function createNotAccepted(
  verdicts: AccessRow["verdicts"],
  { credential }: Pick<Caller, "credential">,
): Problem {
  return new Problem(
    { code: "credential_not_accepted", status: 403 },
    `This path does not accept ${credentials[credential].name}. Use ${formatAccepted(verdicts)}.`,
  )
}

function formatAccepted(verdicts: AccessRow["verdicts"]): string {
  return listAccepted(verdicts)
    .map((credential) => credentials[credential].name)
    .join(" or ")
}

function createUserRequired(userHeader: string): Problem {
  return new Problem(
    { code: "user_required", status: 403 },
    `This path belongs to a user. Name the user: as user_id in POST /chat/init, or in the header ${userHeader} ` +
      "beside an API key.",
  )
}

function createUsersUnknown(): Problem {
  return new Problem(
    { code: "users_unknown", status: 403 },
    "This gateway accepts any API key, so it cannot know who you are. Configure validApiKeys or authenticate.",
  )
}
