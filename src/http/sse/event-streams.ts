import type { Clock } from "../../core/clock.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Sessions } from "../../sessions/sessions.ts"
import { nativeWire } from "../wire/native.ts"
import { eventStream } from "./event-stream.ts"
import { createHeartbeat } from "./heartbeat.ts"
import { createRenderer } from "./render.ts"

/** Without a run: every run of the session. */
export interface StreamRequest {
  readonly sessionId: string
  readonly afterSeq: number
  readonly runId?: string
}

/** Opens the streams of an app, which share their renderings and their heartbeat. */
export type OpenEventStream = (request: StreamRequest) => ReadableStream<Uint8Array<ArrayBuffer>>

export interface EventStreamsOptions {
  readonly sessions: Sessions
  readonly clock: Clock
  readonly logger: Logger
  readonly heartbeatMs: number
}

export function createEventStreams(options: EventStreamsOptions): OpenEventStream {
  const { sessions, clock, logger, heartbeatMs } = options
  const renderer = createRenderer(nativeWire, logger)
  const heartbeat = createHeartbeat(heartbeatMs, () => renderer.heartbeat(clock.now()))
  return ({ sessionId, ...from }) =>
    eventStream({
      open: (signal) => sessions.view(sessionId, { ...from, signal }),
      viewer: renderer.viewer(from.afterSeq),
      heartbeat,
      logger,
    })
}

/** Proxies must neither cache, compress nor hold back what is streamed. */
export const eventStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const
