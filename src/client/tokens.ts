import { rejectOnAbort } from "./abort.ts"
import { createClientError } from "./chat-error.ts"

/**
 * A session token in the form of the response to `POST /chat/init`. Your server may pass the response on unchanged.
 */
export interface SessionToken {
  readonly session_token: string
  /** If set, the client notices a token for another session. */
  readonly session_id?: string
  /** Seconds since the Unix epoch. If set, the client renews the token before it expires. */
  readonly expires_at?: number
}

export interface TokenRequest {
  /** Session that the token must be for. Null if the session is to be created. */
  readonly sessionId: string | null
  /** Aborted if the callback takes too long. */
  readonly signal: AbortSignal
}

/** Returns a session token. Called again before a token expires, and when the gateway refuses one. */
export type TokenSource = (
  request: TokenRequest,
) => string | SessionToken | PromiseLike<string | SessionToken>

export interface Tokens {
  readonly sessionId: string | null
  /** Returns a token that is not the refused one. */
  get(signal: AbortSignal, refused?: string): Promise<string>
}

interface Issued {
  readonly token: string
  /** Milliseconds by this machine's clock. */
  readonly renewAt: number
}

const renewBeforeExpiryMs = 60_000

/** Keeps one token. Concurrent requests that need a new one share one call of the source. */
export function createTokens(source: TokenSource, sessionId: string | null, timeoutMs: number): Tokens {
  let session = sessionId
  let issued: Issued | null = null
  let pending: Promise<Issued> | null = null

  function issue(signal: AbortSignal): Promise<string> {
    pending ??= request().finally(() => {
      pending = null
    })
    return rejectOnAbort(pending, signal).then(({ token }) => token)
  }

  async function request(): Promise<Issued> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(createClientError("token_timeout")), timeoutMs)
    try {
      const { signal } = controller
      const answer = await rejectOnAbort(Promise.resolve(source({ sessionId: session, signal })), signal)
      const { session_token, session_id, expires_at } =
        typeof answer === "string" ? { session_token: answer } : answer
      if (session_id !== undefined && session !== null && session_id !== session)
        throw createClientError("session_changed")
      session = session_id ?? session
      issued = { token: session_token, renewAt: computeRenewal(expires_at) }
      return issued
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    get sessionId() {
      return session
    },
    async get(signal, refused) {
      if (issued === null || issued.token === refused || Date.now() >= issued.renewAt) return issue(signal)
      return issued.token
    },
  }
}

/**
 * Returns the time of the renewal. If a new token seems to expire at once, this machine's clock is wrong, and the
 * token is used until the gateway refuses it.
 */
function computeRenewal(expiresAt: number | undefined): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY
  const renewAt = expiresAt * 1000 - renewBeforeExpiryMs
  return renewAt > Date.now() ? renewAt : Number.POSITIVE_INFINITY
}
