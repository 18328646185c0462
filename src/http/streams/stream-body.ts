import type { UnderlyingSource } from "node:stream/web"
import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { ViewEnd } from "../../kernel/sessions/reading/view-end.ts"
import type { TreeBatch } from "../../kernel/sessions/tree/sub-agent.ts"
import type { Heartbeat, HeartbeatStream } from "./heartbeat.ts"
import type { Viewer } from "./render.ts"
import type { StreamEnd } from "./wire.ts"

/** The error of a stream that ends before everything was shown. */
class StreamInterruptedError extends Error {
  /** Node's code for such a stream. The server adapter of Hono prints other errors with their stack. */
  readonly code = "ERR_STREAM_PREMATURE_CLOSE"

  constructor(reason: string, options?: ErrorOptions) {
    super(`The stream was interrupted: ${reason}. Continue after the last received id.`, options)
    this.name = "StreamInterruptedError"
  }
}

/** Returns true if the viewer has seen everything. Otherwise no client must take the response for a whole one. */
export function isWhole(end: ViewEnd): end is StreamEnd {
  return end.type === "complete" || end.type === "parked"
}

/** The content of a stream, and the parts that it shares with others. */
export interface EventSource {
  /** Text that precedes all other text. Null for none. */
  readonly opening: string | null
  /** Called when the first bytes are needed. The signal aborts when the client disconnects. */
  readonly open: (signal: AbortSignal) => AsyncIterable<TreeBatch, ViewEnd>
  readonly viewer: Viewer
  readonly heartbeat: Heartbeat
  /** Resolves to true if the credential of the viewer was revoked. Called at each heartbeat. */
  readonly isRevoked: () => Promise<boolean>
  /** Called when the stream has ended. May be called again. */
  readonly onEnd: () => void
  readonly logger: Logger
}

/**
 * Ends a stream whose credential was revoked. While the store cannot say so, the stream continues until the next
 * heartbeat.
 */
export function endIfRevoked(
  { isRevoked, logger }: Pick<EventSource, "isRevoked" | "logger">,
  end: () => void,
) {
  isRevoked().then(
    (revoked) => {
      if (revoked) end()
    },
    (error: unknown) => logger.warn({ error }, "A stream's credential could not be checked. It continues."),
  )
}

/**
 * The body of a response that follows a session. Any server can send it as a web stream; the gateway's own server
 * writes its source to the connection directly.
 */
export class EventStream extends ReadableStream<Uint8Array<ArrayBuffer>> {
  readonly source: EventSource

  constructor(source: EventSource) {
    // No data is fetched before it is requested.
    super(createBytes(source), { highWaterMark: 0 })
    this.source = source
  }
}

/**
 * Creates the bytes of one subscriber's stream. They are pulled and never pushed: a client that does not read holds
 * at most one heartbeat and one batch here, and the rest waits in the log. If the view ends early, the stream fails,
 * and the client reconnects with its last id.
 */
function createBytes(source: EventSource): UnderlyingSource<Uint8Array<ArrayBuffer>> {
  const { viewer, heartbeat, logger } = source
  /** Null before the first read. The gateway's own server never reads. */
  let closing: AbortController | null = null
  let batches: AsyncIterator<TreeBatch, ViewEnd> | null = null
  let member: HeartbeatStream | null = null
  /** True while a read is open and the log has nothing for it yet. */
  let waiting = false

  return {
    async pull(controller) {
      const isFirst = batches === null
      batches ??= begin(controller)
      if (isFirst && source.opening !== null) return controller.enqueue(Buffer.from(source.opening))
      try {
        for (;;) {
          waiting = true
          const next = await batches.next()
          waiting = false
          if (closing?.signal.aborted) return
          if (next.done === true) return end(controller, next.value)
          const text = viewer.render(next.value)
          if (text !== null) return controller.enqueue(Buffer.from(text))
        }
      } catch (error) {
        if (closing?.signal.aborted) return
        logger.error({ error }, "A view of a session failed. Its stream ends.")
        stop()
        controller.error(new StreamInterruptedError("an error in the server", { cause: error }))
      }
    },
    async cancel() {
      stop()
      // Aborting wakes a waiting view. This call lets a view between two batches clean up.
      await batches?.return?.().catch((error: unknown) => {
        logger.error({ error: toError(error) }, "A view of a session did not close.")
      })
    },
  }

  function begin(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) {
    member = {
      beat(text) {
        // The queue is empty at 0, and below 0 if the last heartbeat was not read.
        if (waiting && controller.desiredSize === 0) controller.enqueue(Buffer.from(text))
        endIfRevoked(source, () => {
          if (closing?.signal.aborted) return
          stop()
          controller.error(new StreamInterruptedError("its credential was revoked"))
        })
      },
    }
    heartbeat.join(member)
    closing = new AbortController()
    return source.open(closing.signal)[Symbol.asyncIterator]()
  }

  function end(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>, reason: ViewEnd): void {
    stop()
    if (!isWhole(reason)) {
      controller.error(new StreamInterruptedError(reason.type))
      return
    }
    const text = viewer.end(reason)
    if (text !== "") controller.enqueue(Buffer.from(text))
    controller.close()
  }

  function stop(): void {
    if (member !== null) heartbeat.leave(member)
    closing?.abort()
    source.onEnd()
  }
}
