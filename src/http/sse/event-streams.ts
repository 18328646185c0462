import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response"
import type { Context, MiddlewareHandler } from "hono"
import type { Logger } from "../../core/ports/logger.ts"
import type { Principal } from "../../core/ports/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { Sessions } from "../../sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import { createPlaces } from "../limits/places.ts"
import type { Wire } from "../wire/wire.ts"
import { createEventStream, type EventSource } from "./event-stream.ts"
import { createHeartbeat, type Heartbeat } from "./heartbeat.ts"
import { createRenderer, type Renderer } from "./render.ts"
import { writeEventStream } from "./write-event-stream.ts"

/** A stream as a handler's response. */
export interface EventStreamRequest {
  /** Queue position of a run that must wait. The stream starts with it. */
  readonly position?: number | undefined
  readonly sessionId: string
  readonly principal: Principal
  readonly afterSeq: number
  /** The run whose end ends the stream. Default: the stream shows every run, and ends when none is open. */
  readonly runId?: string
  /** If true, `afterSeq` is the cursor of a run, and nothing before it needs to be folded. Default false. */
  readonly fromRunStart?: boolean
  /** If true, the request itself started the run, so no sub-agent works for it yet. Default false. */
  readonly isNewRun?: boolean
  /** If true, the stream of every run goes on while a background task of the session runs. Default false. */
  readonly untilTasksEnd?: boolean
}

/** The request with the wire of the route. */
export interface WiredStreamRequest extends EventStreamRequest {
  readonly wire: Wire
}

export interface EventStreamsOptions {
  readonly sessions: Pick<Sessions, "viewTree">
  readonly clock: Clock
  readonly logger: Logger
  readonly heartbeatMs: number
  readonly viewersPerSession: number
}

/** The parts that all streams of one wire share. */
interface WireRendering {
  readonly renderer: Renderer
  readonly heartbeat: Heartbeat
}

/** Proxies must not cache, compress or delay a stream. */
const eventStreamHeaders = {
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const

/** Returns the head of a stream as a handler's response. The middleware below adds the body. */
export function respondWithStream(
  c: Context<HttpEnv>,
  wire: Wire,
  request: EventStreamRequest,
  headers: Readonly<Record<string, string>> = {},
): Response {
  c.set("eventStream", { ...request, wire })
  return c.body(null, 200, { "content-type": wire.contentType, ...eventStreamHeaders, ...headers })
}

/**
 * Adds the bodies to the responses of handlers that called `respondWithStream`. Streams of the same wire share their
 * renderings and their heartbeat. It is the first middleware, so that the head is final, whichever way the body is
 * sent.
 */
export function eventStreams(options: EventStreamsOptions): MiddlewareHandler<HttpEnv> {
  const { sessions, clock, logger, heartbeatMs, viewersPerSession } = options
  /** Renderings by the wires of the routes, of which there are few. */
  const renderings = new Map<Wire, WireRendering>()
  const renderingOf = (wire: Wire): WireRendering => {
    let rendering = renderings.get(wire)
    if (rendering === undefined) {
      const renderer = createRenderer(wire, logger)
      const heartbeat = createHeartbeat(heartbeatMs, () => renderer.heartbeat(clock.now()))
      rendering = { renderer, heartbeat }
      renderings.set(wire, rendering)
    }
    return rendering
  }
  const places = createPlaces({
    max: viewersPerSession,
    code: "too_many_viewers",
    message: "The session has too many open event streams. Close one of them, or try again later.",
  })
  const sourceOf = (request: WiredStreamRequest, onEnd: () => void): EventSource => {
    const { wire, sessionId, position, fromRunStart = false, ...from } = request
    const { renderer, heartbeat } = renderingOf(wire)
    const replay = fromRunStart ? {} : { replayFrom: wire.replayFrom }
    const { runId } = from
    const isQueued = position !== undefined && runId !== undefined
    return {
      opening: isQueued ? renderer.queued(runId, position) : null,
      open: (signal) => sessions.viewTree(sessionId, { ...from, ...replay, signal }),
      viewer: renderer.viewer(from.afterSeq),
      heartbeat,
      onEnd,
      logger,
    }
  }

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
    // Otherwise the next assigned response would copy the headers again.
    c.res = undefined
    if (outgoing === undefined) {
      c.res = new Response(createEventStream(sourceOf(request, leave)), { status, headers })
    } else {
      outgoing.writeHead(status, Object.fromEntries(headers))
      void writeEventStream(outgoing, sourceOf(request, leave))
      c.res = RESPONSE_ALREADY_SENT
    }
  }
}
