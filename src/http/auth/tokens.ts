import { z } from "@hono/zod-openapi"
import { type CryptoKey, errors, jwtVerify, SignJWT } from "jose"
import { ConfigurationError } from "../../core/errors.ts"
import type { Keyring, SigningKey } from "../../core/ports/store/keyring.ts"
import type { Clock } from "../../core/time/clock.ts"
import { createUnauthorized } from "../problem.ts"
import { type CheckedToken, createCheckedTokens } from "./checked-tokens.ts"

export const tokenIssuer = "ai-agent-gateway"
/** The audience contains neither the prefix nor the host, so a token is valid wherever the gateway is mounted. */
export const tokenAudience = "ai-agent-gateway:sessions"
/**
 * Explicit type (RFC 8725, section 3.11), so that no other JWT with the same secret is accepted as a session token.
 */
export const tokenType = "session+jwt"
const algorithm = "HS256"

const minSecretBytes = 32

/** The session of a token, and its owner. */
export interface TokenSubject {
  readonly sessionId: string
  readonly tenant: string
  readonly userId: string
}

export interface SessionTokens {
  /** Returns a signed token. `expiresAt` is in seconds since the Unix epoch. */
  issue(subject: TokenSubject): Promise<{ readonly token: string; readonly expiresAt: number }>
  /** Rejects with a 401 problem: `token_expired`, or `invalid_token` for all other reasons. */
  verify(token: string): Promise<TokenSubject>
}

export interface SessionTokensOptions {
  readonly keyring: Keyring
  readonly clock: Clock
  readonly ttlSeconds: number
}

/** Creates session tokens: JWTs with HS256 only, signed with the keyring's newest key. */
export function createSessionTokens({ keyring, clock, ttlSeconds }: SessionTokensOptions): SessionTokens {
  const nobodysSecret = crypto.getRandomValues(new Uint8Array(minSecretBytes))
  const checkedTokens = createCheckedTokens()
  const importedKeys = new WeakMap<SigningKey, Promise<CryptoKey>>()

  return {
    async issue(subject) {
      const { sessionId, tenant, userId } = subject
      const key = await keyring.signingKey()
      const issuedAt = Math.floor(clock.now() / 1000)
      const expiresAt = issuedAt + ttlSeconds
      const token = await new SignJWT({ tenant, user_id: userId })
        .setProtectedHeader({ alg: algorithm, typ: tokenType, kid: key.id })
        .setIssuer(tokenIssuer)
        .setAudience(tokenAudience)
        .setSubject(sessionId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(await importOnce(key))
      checkedTokens.add(token, { keyId: key.id, expiresAt, subject })
      return { token, expiresAt }
    },

    async verify(token) {
      const known = checkedTokens.find(token)
      // The removal of a key invalidates its tokens.
      if (known !== undefined && (await keyring.key(known.keyId)) !== null) return requireCurrent(known)
      const checked = await check(token)
      checkedTokens.add(token, checked)
      return checked.subject
    },
  }

  /** Returns the key for the signature. To import it with each token would take 10 µs of CPU time. */
  function importOnce(key: SigningKey): Promise<CryptoKey> {
    const known = importedKeys.get(key)
    if (known !== undefined) return known
    const imported = importSigningKey(key)
    importedKeys.set(key, imported)
    return imported
  }

  function requireCurrent({ expiresAt, subject }: CheckedToken): TokenSubject {
    if (Math.floor(clock.now() / 1000) >= expiresAt) throw createTokenExpiredError()
    return subject
  }

  async function check(token: string): Promise<CheckedToken> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, ({ kid }) => findSecret(kid), {
        algorithms: [algorithm],
        typ: tokenType,
        issuer: tokenIssuer,
        audience: tokenAudience,
        requiredClaims: ["sub", "iat", "exp"],
        currentDate: new Date(clock.now()),
      })
      return { keyId: protectedHeader.kid ?? "", ...readPayload(payload) }
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

export function createInvalidTokenError(message = "The session token is not valid."): Error {
  return createUnauthorized("invalid_token", message)
}

function createTokenExpiredError(): Error {
  return createUnauthorized(
    "token_expired",
    "The session token has expired. Get a new one with POST /chat/init.",
  )
}

const claims = z.object({ sub: z.string(), exp: z.number(), tenant: z.string(), user_id: z.string() })

function readPayload(payload: unknown): Omit<CheckedToken, "keyId"> {
  const parsed = claims.safeParse(payload)
  if (!parsed.success) throw createInvalidTokenError()
  const { sub: sessionId, exp: expiresAt, tenant, user_id: userId } = parsed.data
  return { expiresAt, subject: { sessionId, tenant, userId } }
}
