import { AsyncLocalStorage } from "node:async_hooks"
import {
  InsufficientScopeError,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCRequest,
  type RequestId,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client"
import { parseTraceparent } from "../../../core/runs/trace-context.ts"
import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import type { HttpConfig } from "../config/server-config.ts"
import { type Authorizer, toAuthProvider } from "./authorizer.ts"
import { createServerFetch } from "./server-fetch.ts"

/** The JSON-RPC error of a request whose response ended early, so its outcome is unknown. */
export const responseEndedCode = -32_091

/**
 * Pauses before an ended stream of events is reopened: half a second at first, then doubling, for a limited number of
 * times.
 */
const firstPauseMs = 500
const mostAttempts = 3
/** Maximum milliseconds for the message that ends the session at a server. */
const farewellMs = 1_000

export interface StreamableHttpOptions {
  readonly authorizer: Authorizer | null
  /** Called when the server cannot be reached any more. */
  readonly onLost: (reason: string) => void
}

/**
 * Creates the SDK's transport, and reports failures that the SDK does not report to its client. A request whose
 * response ends early receives an error, because the client would otherwise wait for its time limit. If a stream
 * cannot be reopened, the server counts as lost.
 */
export function createStreamableHttp(
  config: HttpConfig,
  { authorizer, onLost }: StreamableHttpOptions,
): Transport {
  const open = new Set<RequestId>()
  const timers = new Set<NodeJS.Timeout>()
  const serverFetch = createServerFetch()
  /** The trace of the message that is being sent. */
  const trace = new AsyncLocalStorage<string>()
  const inner = new StreamableHTTPClientTransport(config.url, {
    requestInit: { headers: { ...config.headers } },
    fetch: (url, init) => serverFetch.fetch(url, addTrace(init, trace.getStore())),
    ...(authorizer !== null && { authProvider: toAuthProvider(authorizer, serverFetch) }),
    reconnectionOptions: {
      initialReconnectionDelay: firstPauseMs,
      maxReconnectionDelay: 30_000,
      reconnectionDelayGrowFactor: 2,
      // Retries are counted below, where giving up can be reported.
      maxRetries: Number.MAX_SAFE_INTEGER,
    },
    reconnectionScheduler(reconnect, delay, attempt) {
      if (attempt >= mostAttempts) return onLost("its stream of events cannot be opened again")
      // The transport remembers the timer of only one stream, so each timer is cleared when the transport closes.
      const timer = setTimeout(() => {
        timers.delete(timer)
        reconnect()
      }, pauseOf(delay))
      timers.add(timer)
    },
  })
  // The interface's type allows undefined options.
  const channel: Transport = inner
  /** Sends a message. If the server requires a larger scope and it is granted, sends the message again. */
  const sendWidened: Transport["send"] = async (message, options) => {
    try {
      return await channel.send(message, options)
    } catch (thrown) {
      if (authorizer === null || !InsufficientScopeError.isInstance(thrown)) throw thrown
      const { requiredScope: scope, resourceMetadataUrl } = thrown
      await authorizer.widen({ scope, resourceMetadataUrl })
      return await channel.send(message, options)
    }
  }
  const endEarly = (id: RequestId) => {
    if (!open.delete(id)) return
    const error = { code: responseEndedCode, message: "The response ended before the result." }
    outer.onmessage?.({ jsonrpc: "2.0", id, error })
  }
  const outer: Transport = {
    hasPerRequestStream: true,
    async start() {
      inner.onmessage = (message) => {
        const isAnswer = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)
        if (isAnswer && message.id !== undefined) open.delete(message.id)
        outer.onmessage?.(message)
      }
      inner.onerror = (error) => outer.onerror?.(error)
      inner.onclose = () => outer.onclose?.()
      await inner.start()
    },
    async send(message, options) {
      if (!isJSONRPCRequest(message)) return sendWidened(message, options)
      open.add(message.id)
      const onRequestStreamEnd = () => {
        options?.onRequestStreamEnd?.()
        endEarly(message.id)
      }
      try {
        const send = () => sendWidened(message, { ...options, onRequestStreamEnd })
        const traceparent = readTrace(message)
        await (traceparent === null ? send() : trace.run(traceparent, send))
      } catch (error) {
        open.delete(message.id)
        throw error
      }
    },
    async close() {
      await sayGoodbye(inner)
      await inner.close()
      for (const timer of timers) clearTimeout(timer)
    },
    get sessionId() {
      return inner.sessionId
    },
    setProtocolVersion: (version) => inner.setProtocolVersion(version),
  }
  return outer
}

/** Returns the trace in a request's metadata. */
function readTrace({ params }: JSONRPCRequest): string | null {
  const traceparent = params?._meta?.traceparent
  return typeof traceparent === "string" ? parseTraceparent(traceparent) : null
}

function addTrace(init: RequestInit | undefined, traceparent: string | undefined): RequestInit | undefined {
  if (traceparent === undefined) return init
  const headers = new Headers(init?.headers)
  headers.set("traceparent", traceparent)
  return { ...init, headers }
}

/** Returns the pause before a reconnect. A server may choose it, but not to zero. */
export function pauseOf(delay: number): number {
  return Math.min(Math.max(delay, firstPauseMs), longestTimerMs)
}

/** Asks the server to drop its session. The server may not allow that, or be gone. */
async function sayGoodbye(transport: StreamableHTTPClientTransport): Promise<void> {
  if (transport.sessionId === undefined) return
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, farewellMs)
  await Promise.race([transport.terminateSession().catch(() => undefined), late])
  clearTimeout(timer)
}
