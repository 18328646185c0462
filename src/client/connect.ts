import type { InitResponse } from "../core/wire/messages.ts"
import { computeRetryDelay, type RetryPolicy, sleep } from "./backoff.ts"
import { ChatError } from "./chat-error.ts"
import { type Connection, type Exchange, type ExchangeRequest, readJson, sendRequest } from "./exchange.ts"
import type { ConnectionState } from "./follow.ts"
import { createTokens, type TokenSource } from "./tokens.ts"

export interface ConnectOptions {
  /**
   * Address of the gateway's API with its prefix, such as `https://example.com/api`. In browsers, a path such as
   * `/api` also works.
   */
  readonly url: string
  /** Returns a session token from your own server. Either this or `apiKey` is required. */
  readonly token?: TokenSource
  /** API key of the gateway, for servers and demos. A page with a key reveals it to its readers. */
  readonly apiKey?: string
  /** User of the API key. Default: none. */
  readonly userId?: string
  /** Existing session to continue. Default: a new session. */
  readonly sessionId?: string
  /** Your own id of the session, which is created if it does not exist. Only with `apiKey`. Default: none. */
  readonly externalId?: string
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
  /** Number of failed attempts in a row after which an error is thrown. Default 20, about seven minutes. */
  readonly maxRetries?: number
  /** Milliseconds after the first failed attempt. The delay doubles up to 30 seconds. Default 500. */
  readonly retryDelayMs?: number
  /** Milliseconds without a byte after which a connection counts as lost. Default 45 000: three heartbeats. */
  readonly stallTimeoutMs?: number
  /** If true, events include `tool_input_delta`: the arguments of calls while the model writes them. Default false. */
  readonly toolInputDeltas?: boolean
  /** Called when the state of a stream's connection changes. */
  readonly onConnection?: (state: ConnectionState) => void
}

/** Sends requests of one session, with its token and with retries. */
export interface SessionConnection {
  readonly sessionId: string | null
  readonly retry: RetryPolicy
  readonly onConnection: (state: ConnectionState) => void
  /** Sends a request once, or twice if the gateway refused the token. */
  open(request: ExchangeRequest, signal: AbortSignal): Promise<Exchange>
  /** Repeats an attempt until it succeeds or fails permanently. */
  retrying<T>(
    signal: AbortSignal | undefined,
    attempt: (signal: AbortSignal, failures: number) => Promise<T>,
  ): Promise<T>
  /** Sends a request until the gateway responds. Returns the JSON of the response. */
  call(method: ExchangeRequest["method"], path: string, options?: CallOptions): Promise<unknown>
}

export interface CallOptions extends Pick<ExchangeRequest, "headers" | "body"> {
  readonly signal?: AbortSignal | undefined
  /**
   * Called with each final error. Returns true if the error counts as success. `isRepeated` is true after a first
   * failure.
   */
  readonly isSuccess?: (error: ChatError, isRepeated: boolean) => boolean
}

/** Refusals for which another token would not help. */
const finalRefusals: readonly string[] = ["session_revoked", "session_not_found"]

export function createSessionConnection(options: ConnectOptions): SessionConnection {
  const { maxRetries = 20, retryDelayMs = 500, stallTimeoutMs = 45_000, onConnection = () => {} } = options
  const connection: Connection = {
    url: options.url.replace(/\/+$/, ""),
    // Browsers refuse a `fetch` that is called as a method.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    stallTimeoutMs,
    reached: false,
  }
  const source = options.token ?? createApiKeySource(connection, options)
  const tokens = createTokens(source, options.sessionId ?? null, stallTimeoutMs)
  const retry: RetryPolicy = { firstDelayMs: retryDelayMs, maxRetries, reached: () => connection.reached }

  async function open(request: ExchangeRequest, signal: AbortSignal): Promise<Exchange> {
    const send = (token: string) => {
      const headers = { ...request.headers, authorization: `Bearer ${token}` }
      return sendRequest(connection, { ...request, headers }, signal)
    }
    const token = await tokens.get(signal)
    try {
      return await send(token)
    } catch (error) {
      const isRefused = error instanceof ChatError && error.status === 401
      if (!isRefused || finalRefusals.includes(error.code)) throw error
      return send(await tokens.get(signal, token))
    }
  }

  async function retryUntilFinal<T>(
    signal = new AbortController().signal,
    attempt: (signal: AbortSignal, failures: number) => Promise<T>,
  ): Promise<T> {
    for (let failures = 0; ; ) {
      try {
        return await attempt(signal, failures)
      } catch (error) {
        signal.throwIfAborted()
        failures++
        await sleep(computeRetryDelay(error, failures, retry), signal)
      }
    }
  }

  return {
    get sessionId() {
      return tokens.sessionId
    },
    retry,
    onConnection,
    open,
    retrying: retryUntilFinal,
    call(method, path, { signal, isSuccess = () => false, ...content } = {}) {
      const request = { method, path, ...content, accept: "application/json" } as const
      return retryUntilFinal(signal, async (signal, failures) => {
        try {
          return await readJson(connection, await open(request, signal))
        } catch (error) {
          if (error instanceof ChatError && isSuccess(error, failures > 0)) return null
          throw error
        }
      })
    },
  }
}

/** Requests tokens like an application's server. */
function createApiKeySource(
  connection: Connection,
  { apiKey, userId, externalId }: ConnectOptions,
): TokenSource {
  if (apiKey === undefined) throw new TypeError("connect() requires the option token or apiKey.")
  return async ({ sessionId, signal }) => {
    const body = {
      api_key: apiKey,
      user_id: userId,
      ...(sessionId === null ? { external_id: externalId } : { session_id: sessionId }),
    }
    const request = { method: "POST", path: "/chat/init", body, accept: "application/json" } as const
    return (await readJson(connection, await sendRequest(connection, request, signal))) as InitResponse
  }
}
