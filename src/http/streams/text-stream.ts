import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"

export interface TextSource {
  readonly pieces: AsyncIterator<string>
  /** Called once: when everything was read, when reading failed, or when the client disconnects. */
  readonly onEnd: () => void
  readonly logger: Logger
}

/** Returns the pieces as bytes. They are pulled, so a client that does not read holds one of them. */
export function createTextStream({
  pieces,
  onEnd,
  logger,
}: TextSource): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  let isCancelled = false
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const next = await pieces.next()
          if (isCancelled) return
          if (next.done !== true) return controller.enqueue(encoder.encode(next.value))
          onEnd()
          controller.close()
        } catch (error) {
          onEnd()
          if (isCancelled) return
          logger.error(
            { error },
            "Reading a response's body failed. The client receives a truncated response.",
          )
          controller.error(toError(error))
        }
      },
      async cancel() {
        isCancelled = true
        onEnd()
        await pieces.return?.()
      },
    },
    // No data is read before the client requests it.
    { highWaterMark: 0 },
  )
}
