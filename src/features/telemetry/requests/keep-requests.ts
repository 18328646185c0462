import { countJsonCharacters } from "../../../core/json/json.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import { maxRecordedBytes } from "../../../core/ports/model/call-record.ts"
import type { Observer } from "../../../core/ports/observer.ts"
import type { KeptRequests } from "../../../core/ports/store/kept-requests.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { createRequestWriter, type RecordedAttempt, type WriterParts } from "./write-request.ts"

const keptMs = 7 * 24 * 60 * 60 * 1_000
/** Part of all kept requests that one session may have. */
const sessionShare = 1 / 8
/** Minimum milliseconds between two warnings. */
const warningMs = 60_000
/** Maximum characters of the attempts that wait to be stored. Further ones are not kept. */
const maxWaitingCharacters = 32 * 1024 * 1024

export interface KeepingParts extends Omit<WriterParts, "sessionBytes"> {
  readonly keep: "errors" | "all"
  /** Maximum bytes of all kept requests. */
  readonly maxBytes: number
  readonly logger: Logger
}

interface WaitingAttempt {
  readonly attempt: RecordedAttempt
  /** Characters of the request and of the response. */
  readonly characters: number
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
  const waiting: WaitingAttempt[] = []
  /** Characters of the waiting attempts, and of the one that is written. */
  let waitingCharacters = 0
  const warn = createRareWarning(logger)
  let working: Promise<void> | null = null

  async function storeWaiting(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { attempt, characters } = next
      const { sessionId } = attempt
      try {
        if (await write(attempt)) continue
        warn(
          { sessionId },
          "The requests of a session have reached its part of keepRequestsBytes. Further ones are left out.",
        )
      } catch (error) {
        warn(
          { error, sessionId },
          "The request of a model attempt could not be stored. The run is not affected.",
        )
      } finally {
        waitingCharacters -= characters
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
        const characters =
          maxRecordedBytes + countJsonCharacters([record.request.body, end.response], maxWaitingCharacters)
        if (waitingCharacters + characters > maxWaitingCharacters) {
          warn({}, "The store is too slow to keep the requests of all model attempts. Some are left out.")
          return
        }
        waitingCharacters += characters
        waiting.push({ attempt: { ...end, record }, characters })
        working ??= storeWaiting()
      },
    },
    async close() {
      await working
    },
  }
}

interface Removal {
  readonly maxBytes: number
  /** The time of the store's clock. */
  readonly now: number
  readonly signal: AbortSignal
}

/**
 * Removes requests that are older than seven days, and the oldest ones while there are more than `maxBytes`. Ends early
 * when the signal aborts.
 */
export async function removeOldRequests(
  store: KeptRequests,
  { maxBytes, now, signal }: Removal,
): Promise<void> {
  for (let bytes = await store.bytes(null); !signal.aborted; ) {
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
