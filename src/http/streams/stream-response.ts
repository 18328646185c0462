import type { Context } from "hono"
import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Observer } from "../../core/ports/observer.ts"
import type { Principal, Session } from "../../core/ports/store/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { HttpEnv } from "../http-env.ts"
import { createKeyedPlaces } from "../limits/places.ts"
import { createHeartbeat, defaultHeartbeatMs, type Heartbeat } from "./heartbeat.ts"
import { createRenderer, type Renderer } from "./render.ts"
import { type EventSource, EventStream } from "./stream-body.ts"
import type { Folded, Wire } from "./wire.ts"

/** The events that a response streams. */
export interface EventStreamRequest {
  readonly wire: Wire
  /**
   * The state of the subscriber, and frames that precede all others. A wire needs it if its frames contain facts that
   * are not in the log. Default: the state that the wire has at the cursor, and no frames.
   */
  readonly opening?: Folded<unknown>
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
  /** Headers of the response beside those of every stream. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface EventStreams {
  /**
   * Responds with the stream that `open` creates. Takes one of the viewers' places of `sessionId` before it calls
   * `open`, which may start the run. Throws a 429 problem if the session has no free place.
   */
  respond(c: Context<HttpEnv>, sessionId: string, open: () => Promise<EventStreamRequest>): Promise<Response>
}

export interface EventStreamsOptions {
  readonly sessions: Pick<Sessions, "viewTree">
  readonly observers: Partial<Observer>
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds between heartbeats. Default 15 000. */
  readonly heartbeatMs?: number | undefined
  readonly viewersPerSession: number
}

/** The parts that all streams of one wire share. */
interface WireRendering {
  readonly renderer: Renderer
  readonly heartbeat: Heartbeat
}

/** Maximum number of open streams of one user in a process. */
const streamsPerUser = 200

/** Proxies must not cache, compress or delay a stream. */
const eventStreamHeaders = {
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const

/**
 * Creates the streams of an app's routes. Streams of the same wire share their renderings and their heartbeat, and
 * streams of the same session share a bounded number of places.
 */
export function createEventStreams(options: EventStreamsOptions): EventStreams {
  const { sessions, observers, clock, logger, heartbeatMs = defaultHeartbeatMs, viewersPerSession } = options
  /** Renderings by wire. A wire that the application makes for one request is not kept. */
  const renderings = new WeakMap<Wire, WireRendering>()
  const findRendering = (wire: Wire): WireRendering => {
    let rendering = renderings.get(wire)
    if (rendering === undefined) {
      const renderer = createRenderer(wire, logger)
      const heartbeat = createHeartbeat(heartbeatMs, () => renderer.heartbeat(clock.now()))
      rendering = { renderer, heartbeat }
      renderings.set(wire, rendering)
    }
    return rendering
  }
  const places = createKeyedPlaces({
    max: viewersPerSession,
    code: "too_many_viewers",
    message: "The session has too many open event streams. Close one of them, or try again later.",
  })
  const ofUsers = createKeyedPlaces({
    max: streamsPerUser,
    code: "too_many_viewers",
    message: "The user has too many open event streams. Close one of them, or try again later.",
  })
  const takePlaces = (sessionId: string, user: Principal) => {
    const leaveSession = places.take(sessionId)
    // Without a user, one principal stands for everyone whom the holder of a key serves.
    if (user.userId === "") return leaveSession
    try {
      const leaveUser = ofUsers.take(toPrincipalKey(user))
      return () => {
        leaveSession()
        leaveUser()
      }
    } catch (error) {
      leaveSession()
      throw error
    }
  }
  const createSource = (
    request: EventStreamRequest,
    { isRevoked, onEnd }: Pick<EventSource, "isRevoked" | "onEnd">,
  ): EventSource => {
    const { wire, opening, headers: _, sessionId, position, fromRunStart = false, ...from } = request
    const { renderer, heartbeat } = findRendering(wire)
    const replay = fromRunStart ? {} : { replayFrom: wire.replayFrom }
    const parking = wire.endsWhenParked ? { untilParked: {} } : {}
    const { runId } = from
    const isQueued = position !== undefined && runId !== undefined
    const [state, frames = []] = opening ?? []
    const text = renderer.write(frames) + (isQueued ? renderer.queued(runId, position) : "")
    return {
      opening: text === "" ? null : text,
      open: (signal) => sessions.viewTree(sessionId, { ...from, ...replay, ...parking, signal }),
      viewer: renderer.viewer(from.afterSeq, state),
      heartbeat,
      isRevoked,
      onEnd,
      logger,
    }
  }

  return {
    async respond(c, sessionId, open) {
      const { principal, isRevoked } = c.get("caller")
      const leave = takePlaces(sessionId, principal)
      let request: EventStreamRequest
      try {
        request = await open()
      } catch (error) {
        leave()
        throw error
      }
      const headers = { "content-type": request.wire.contentType, ...eventStreamHeaders, ...request.headers }
      // The framework drops the body of such a response, so the stream must be ended here.
      if (c.req.method === "HEAD") {
        leave()
        return c.body(null, 200, headers)
      }
      const close = observeStream(observers, c.get("session"), request)
      const onEnd = () => {
        leave()
        close()
      }
      return c.body(new EventStream(createSource(request, { isRevoked, onEnd })), 200, headers)
    },
  }
}

/** Calls the observers for a stream that opens. Returns the function that reports its end once. */
function observeStream(
  { onStreamOpened, onStreamClosed }: Partial<Observer>,
  session: Session,
  { runId = null }: { readonly runId?: string | null },
): () => void {
  if (onStreamOpened === undefined && onStreamClosed === undefined) return () => undefined
  const { id: sessionId, tenant, userId, agent } = session
  const facts = { tenant, userId, agent, sessionId, runId }
  const startedAt = performance.now()
  let isOpen = true
  onStreamOpened?.(facts)
  return () => {
    if (isOpen) onStreamClosed?.({ ...facts, durationMs: performance.now() - startedAt })
    isOpen = false
  }
}
