import type { Logger } from "../../../core/ports/logger.ts"
import type { Observer } from "../../../core/ports/observer.ts"
import type { KeptRequests } from "../../../core/ports/store/kept-requests.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { createRequestWriter, type RecordedAttempt, type WriterParts } from "./write-request.ts"

const keptMs = 7 * 24 * 60 * 60 * 1_000
/** Part of all kept requests that one session may have. */
const sessionShare = 1 / 8
/** Minimum milliseconds between two warnings. */
const warningMs = 60_000
/** Maximum attempts that wait to be stored. Further ones are not kept. */
const maxWaiting = 200

export interface KeepingParts extends Omit<WriterParts, "sessionBytes"> {
  readonly keep: "errors" | "all"
  /** Maximum bytes of all kept requests. */
  readonly maxBytes: number
  readonly logger: Logger
}

export interface RequestKeeper {
  readonly observer: Partial<Observer>
  /** Resolves when everything that waits is stored. */
  close(): Promise<void>
}

/**
 * Keeps the requests of model attempts. Runs never wait for it: the observer only puts an ended attempt into a bounded
 * queue, and whatever fails here is logged and left out.
 */
export function createRequestKeeper({ keep, maxBytes, logger, ...parts }: KeepingParts): RequestKeeper {
  const write = createRequestWriter({ ...parts, sessionBytes: maxBytes * sessionShare })
  const waiting: RecordedAttempt[] = []
  const warn = createRareWarning(logger)
  let working: Promise<void> | null = null

  async function storeWaiting(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { sessionId } = next
      try {
        if (await write(next)) continue
        warn(
          { sessionId },
          "The requests of a session have reached its part of keepRequestsBytes. Further ones are left out.",
        )
      } catch (error) {
        warn(
          { error, sessionId },
          "The request of a model attempt could not be stored. The run is not affected.",
        )
      }
    }
    working = null
  }

  return {
    observer: {
      onAttemptSent({ record }) {
        record()
      },
      onAttemptEnded(end) {
        const { record } = end
        if (record === null || (keep === "errors" && end.code === null)) return
        if (waiting.length >= maxWaiting) {
          warn({}, "The store is too slow to keep the requests of all model attempts. Some are left out.")
          return
        }
        waiting.push({ ...end, record })
        working ??= storeWaiting()
      },
    },
    async close() {
      await working
    },
  }
}

/** Removes requests that are older than seven days, and the oldest ones while there are more than `maxBytes`. */
export async function removeOldRequests(store: KeptRequests, maxBytes: number, now: number): Promise<void> {
  for (let bytes = await store.bytes(null); ; ) {
    const removed = await store.removeOldest(bytes > maxBytes ? Number.MAX_SAFE_INTEGER : now - keptMs)
    if (removed === 0) return
    bytes -= removed
    await waitForNextSlice()
  }
}

/** Returns a function that logs at most one warning a minute. */
function createRareWarning(logger: Logger): (fields: object, message: string) => void {
  let last = Number.NEGATIVE_INFINITY
  return (fields, message) => {
    if (performance.now() - last < warningMs) return
    last = performance.now()
    logger.warn(fields, message)
  }
}
