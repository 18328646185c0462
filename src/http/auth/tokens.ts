import { z } from "@hono/zod-openapi"
import { type CryptoKey, decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose"
import { ConfigurationError } from "../../core/errors.ts"
import type { Keyring, SigningKey } from "../../core/ports/store/keyring.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import { createUnauthorized, type Problem } from "../problem.ts"
import { type CheckedToken, createCheckedTokens } from "./checked-tokens.ts"
import type { RememberedRevocations } from "./remember-revocations.ts"

export const tokenIssuer = "ai-agent-gateway"

/** The audience contains neither the prefix nor the host, so a token is valid wherever the gateway is mounted. */
export const tokenAudience = "ai-agent-gateway:sessions"

/** Tokens for users name the store too. A session token names a session, which only one store has. */
const userAudience = "ai-agent-gateway:users:"

/**
 * Explicit types (RFC 8725, section 3.11), so that no other JWT with the same secret is accepted, and neither kind of
 * token in place of the other.
 */
export const tokenType = "session+jwt"
export const userTokenType = "user+jwt"

const algorithm = "HS256"
const minSecretBytes = 32

/** The session of a token, and its owner. */
export interface SessionSubject extends Principal {
  readonly kind: "session"
  readonly sessionId: string
}

/** The user of a token, at one agent. */
export interface UserSubject extends Principal {
  readonly kind: "user"
  readonly agent: string
}

export type TokenSubject = SessionSubject | UserSubject

export interface VerifiedToken<Subject extends TokenSubject = TokenSubject> {
  readonly subject: Subject
  /** Resolves to true if the tokens of its user were revoked meanwhile, or the key that signed it was removed. */
  isRevoked(): Promise<boolean>
}

export interface Tokens {
  /** Returns a signed token. `expiresAt` is in seconds since the Unix epoch. */
  issue(subject: TokenSubject): Promise<{ readonly token: string; readonly expiresAt: number }>
  /**
   * Rejects with a 401 problem: `token_expired`, `token_revoked`, or `invalid_token` for all other reasons, such as a
   * token of another kind.
   */
  verify<Kind extends TokenSubject["kind"]>(
    kind: Kind,
    token: string,
  ): Promise<VerifiedToken<Extract<TokenSubject, { kind: Kind }>>>
}

export interface TokensOptions {
  readonly keyring: Keyring
  readonly revocations: RememberedRevocations
  /** Resolves to the id of the store. */
  readonly storeId: () => Promise<string>
  readonly clock: Clock
  readonly ttlSeconds: number
}

/** Creates tokens of sessions and of users: JWTs with HS256 only, signed with the keyring's newest key. */
export function createTokens(options: TokensOptions): Tokens {
  const { keyring, revocations, clock, ttlSeconds } = options
  const nobodysSecret = crypto.getRandomValues(new Uint8Array(minSecretBytes))
  const checkedTokens = { session: createCheckedTokens(), user: createCheckedTokens() }
  const importedKeys = new WeakMap<SigningKey, Promise<CryptoKey>>()
  let storeId: Promise<string> | null = null

  return {
    async issue(subject) {
      const validAfter = await revocations.validAfter(subject)
      const key = await keyring.signingKey()
      const issuedAt = Math.floor(clock.now() / 1000)
      const expiresAt = issuedAt + ttlSeconds
      const { typ, audience, sub, claims } = await describeClaims(subject)
      const token = await new SignJWT({ ...claims, va: validAfter })
        .setProtectedHeader({ alg: algorithm, typ, kid: key.id })
        .setIssuer(tokenIssuer)
        .setAudience(audience)
        .setSubject(sub)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(await importOnce(key))
      checkedTokens[subject.kind].add(token, { keyId: key.id, expiresAt, validAfter, subject })
      return { token, expiresAt }
    },

    async verify(kind, token) {
      const checked = await findChecked(kind, token)
      const subject = checked.subject as Extract<TokenSubject, { kind: typeof kind }>
      const isUserRevoked = async () => checked.validAfter < (await revocations.recent(subject))
      if (await isUserRevoked()) throw createTokenRevokedError()
      const isRevoked = async () => (await isUserRevoked()) || (await keyring.key(checked.keyId)) === null
      return { subject, isRevoked }
    },
  }

  async function findChecked(kind: TokenSubject["kind"], token: string): Promise<CheckedToken> {
    const known = checkedTokens[kind].find(token)
    // The removal of a key invalidates its tokens.
    if (known !== undefined && (await keyring.key(known.keyId)) !== null) return requireCurrent(known)
    const checked = await check(kind, token)
    checkedTokens[kind].add(token, checked)
    return checked
  }

  /** Returns the claims by which the kinds of tokens differ. */
  async function describeClaims(subject: TokenSubject) {
    const { tenant, userId } = subject
    if (subject.kind === "session") {
      const claims = { tenant, user_id: userId }
      return { typ: tokenType, audience: tokenAudience, sub: subject.sessionId, claims }
    }
    const claims = { tenant, agent: subject.agent }
    return { typ: userTokenType, audience: await findUserAudience(), sub: userId, claims }
  }

  async function findUserAudience(): Promise<string> {
    storeId ??= options.storeId().catch((error: unknown) => {
      storeId = null
      throw error
    })
    return `${userAudience}${await storeId}`
  }

  /** Returns the key for the signature. To import it with each token would take 10 µs of CPU time. */
  function importOnce(key: SigningKey): Promise<CryptoKey> {
    const known = importedKeys.get(key)
    if (known !== undefined) return known
    const imported = importSigningKey(key)
    importedKeys.set(key, imported)
    return imported
  }

  function requireCurrent(checked: CheckedToken): CheckedToken {
    if (Math.floor(clock.now() / 1000) >= checked.expiresAt) throw createTokenExpiredError()
    return checked
  }

  async function check(kind: TokenSubject["kind"], token: string): Promise<CheckedToken> {
    const [typ, audience] =
      kind === "session" ? [tokenType, tokenAudience] : [userTokenType, await findUserAudience()]
    try {
      const { payload, protectedHeader } = await jwtVerify(token, ({ kid }) => findSecret(kid), {
        algorithms: [algorithm],
        typ,
        issuer: tokenIssuer,
        audience,
        requiredClaims: ["sub", "iat", "exp"],
        currentDate: new Date(clock.now()),
      })
      return { keyId: protectedHeader.kid ?? "", ...readPayload(kind, payload) }
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw createTokenExpiredError()
      if (error instanceof errors.JOSEError) throw createInvalidTokenError()
      throw error
    }
  }

  /**
   * Returns the secret of a key. The token is not authenticated yet, so only a value with the form of an id reaches
   * the keyring. If there is no such key, the token is verified with a random secret, so that the time does not
   * reveal which keys exist.
   */
  async function findSecret(keyId: unknown): Promise<Uint8Array> {
    const key = typeof keyId === "string" && /^[\w-]{1,64}$/.test(keyId) ? await keyring.key(keyId) : null
    return key?.secret ?? nobodysSecret
  }
}

/**
 * Returns the kind of token that a Bearer credential claims to be. Null for anything else, such as an API key or a JWT
 * of the application.
 */
export function readTokenKind(credential: string): TokenSubject["kind"] | null {
  const typ = readType(credential)
  if (typ === tokenType) return "session"
  return typ === userTokenType ? "user" : null
}

function readType(credential: string): unknown {
  // Most keys contain no dot, so that no error is made and caught for them.
  if (!credential.includes(".")) return undefined
  try {
    return decodeProtectedHeader(credential).typ
  } catch {
    // It is not a JWT.
    return undefined
  }
}

function importSigningKey({ secret }: SigningKey): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
}

/** Returns a keyring with the one secret that the operator configured. Only the configuration can change it. */
export function createSecretKeyring(jwtSecret: string): Keyring {
  const secret = new TextEncoder().encode(jwtSecret)
  if (secret.byteLength < minSecretBytes) {
    throw new ConfigurationError(`jwtSecret: needs at least ${minSecretBytes} bytes.`)
  }
  const key: SigningKey = { id: "configured", secret }
  return {
    signingKey: async () => key,
    key: async (id) => (id === key.id ? key : null),
    rotate: () =>
      Promise.reject(new ConfigurationError("jwtSecret: change it to rotate the configured key.")),
    remove: () => Promise.resolve(false),
  }
}

export function createInvalidTokenError(message = "The token is not valid."): Problem {
  return createUnauthorized("invalid_token", message)
}

function createTokenExpiredError(): Error {
  return createUnauthorized("token_expired", "The token has expired. Get a new one with POST /chat/init.")
}

export function createTokenRevokedError(): Problem {
  return createUnauthorized(
    "token_revoked",
    "The tokens of this user were revoked. Get a new one with POST /chat/init.",
  )
}

const commonClaims = { sub: z.string(), exp: z.number(), tenant: z.string(), va: z.number() }
const sessionClaims = z.object({ ...commonClaims, user_id: z.string() })
const userClaims = z.object({ ...commonClaims, agent: z.string() })

function readPayload(kind: TokenSubject["kind"], payload: unknown): Omit<CheckedToken, "keyId"> {
  if (kind === "session") {
    const { sub: sessionId, exp, va, tenant, user_id: userId } = parseClaims(sessionClaims, payload)
    return { expiresAt: exp, validAfter: va, subject: { kind, sessionId, tenant, userId } }
  }
  const { sub: userId, exp, va, tenant, agent } = parseClaims(userClaims, payload)
  return { expiresAt: exp, validAfter: va, subject: { kind, tenant, userId, agent } }
}

function parseClaims<Claims>(schema: z.ZodType<Claims>, payload: unknown): Claims {
  const parsed = schema.safeParse(payload)
  if (!parsed.success) throw createInvalidTokenError()
  return parsed.data
}
