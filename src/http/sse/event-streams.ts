import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response"
import type { Context, MiddlewareHandler } from "hono"
import type { Clock } from "../../core/clock.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Principal } from "../../core/ports/session-log.ts"
import type { Sessions } from "../../sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import { createPlaces } from "../limits/places.ts"
import { nativeWire } from "../wire/native.ts"
import { type EventSource, eventStream } from "./event-stream.ts"
import { createHeartbeat } from "./heartbeat.ts"
import { createRenderer } from "./render.ts"
import { writeEventStream } from "./write-event-stream.ts"

/** Without a run: every run of the session. */
export interface EventStreamRequest {
  /** Place in the queue of a run that has to wait: the stream begins with it. */
  readonly position?: number | undefined
  /** If true, the cursor may lie inside the run. */
  readonly resumes?: boolean
  readonly sessionId: string
  readonly principal: Principal
  readonly afterSeq: number
  readonly runId?: string
}

export interface EventStreamsOptions {
  readonly sessions: Sessions
  readonly clock: Clock
  readonly logger: Logger
  readonly heartbeatMs: number
  readonly viewersPerSession: number
}

/** Proxies must neither cache, compress nor hold back what is streamed. */
const eventStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const

/** A handler's answer that is a stream: its head. The middleware below gives it its body. */
export function streamed(
  c: Context<HttpEnv>,
  request: EventStreamRequest,
  headers: Readonly<Record<string, string>> = {},
): Response {
  c.set("eventStream", request)
  return c.body(null, 200, { ...eventStreamHeaders, ...headers })
}

/**
 * Gives the answers of handlers that said `streamed` their bodies, which share their renderings and their heartbeat. The
 * first of all middleware, so that the head is as all others left it, whichever way the body goes.
 */
export function eventStreams(options: EventStreamsOptions): MiddlewareHandler<HttpEnv> {
  const { sessions, clock, logger, heartbeatMs, viewersPerSession } = options
  const renderer = createRenderer(nativeWire, logger)
  const heartbeat = createHeartbeat(heartbeatMs, () => renderer.heartbeat(clock.now()))
  const places = createPlaces({
    max: viewersPerSession,
    code: "too_many_viewers",
    message: "The session has too many open event streams. Close one of them, or try again later.",
  })
  const sourceOf = (
    { sessionId, position, ...from }: EventStreamRequest,
    onEnd: () => void,
  ): EventSource => ({
    opening:
      position === undefined || from.runId === undefined ? null : renderer.queued(from.runId, position),
    open: (signal) => sessions.view(sessionId, { ...from, signal }),
    viewer: renderer.viewer(from.afterSeq),
    heartbeat,
    onEnd,
    logger,
  })

  return async (c, next) => {
    let leave = () => {}
    c.set("takeViewerPlace", (sessionId) => {
      leave = places.take(sessionId)
    })
    await next()
    const request = c.get("eventStream")
    if (request === undefined || c.error !== undefined || c.req.method === "HEAD") return leave()
    const { status, headers } = c.res
    const outgoing = c.env?.ownServer?.response
    // Otherwise what is set next would take over the headers once more.
    c.res = undefined
    if (outgoing === undefined) {
      c.res = new Response(eventStream(sourceOf(request, leave)), { status, headers })
    } else {
      outgoing.writeHead(status, Object.fromEntries(headers))
      void writeEventStream(outgoing, sourceOf(request, leave))
      c.res = RESPONSE_ALREADY_SENT
    }
  }
}
