import { setTimeout as delay } from "node:timers/promises"
import { computeBackoff } from "../../../../platform/backoff/backoff.ts"
import { isBusy, toStoreError } from "./failures.ts"

/**
 * Milliseconds for which work is retried while another process locks the database. Only the pauses between the tries
 * count. Time in which this process was stalled says nothing about the other process.
 */
export const busyForMs = 2_000
/** Pauses between the tries. */
export const busyBackoff = { firstMs: 1, maxMs: 30 }

/** Retries the work from the event loop. No call waits inside SQLite (rule 15). */
export async function retryWhileBusy<T>(work: () => T): Promise<T> {
  let waitedMs = 0
  for (let tries = 0; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || waitedMs > busyForMs) throw toStoreError(error)
    }
    const pause = computeBackoff(tries, busyBackoff)
    waitedMs += pause
    await delay(pause)
  }
}
