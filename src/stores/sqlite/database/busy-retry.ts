import { setTimeout as delay } from "node:timers/promises"
import { isBusy, toStoreError } from "./failures.ts"

/** Milliseconds for which work is retried while another process locks the database. */
const busyForMs = 2_000
const longestPauseMs = 20

/**
 * Returns the milliseconds before the next try. They are short at first, and random, so that processes do not keep
 * colliding.
 */
export function computePause(tries: number): number {
  return Math.min(2 ** tries, longestPauseMs) * (0.5 + Math.random())
}

/**
 * Returns the time at which a caller that starts now receives the error that the database is busy, in milliseconds of
 * `performance.now()`.
 */
export function computeDeadline(): number {
  return performance.now() + busyForMs
}

/** Retries the work from the event loop. No call waits inside SQLite (rule 15). */
export async function retryWhileBusy<T>(work: () => T): Promise<T> {
  const ends = computeDeadline()
  for (let tries = 0; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > ends) throw toStoreError(error)
    }
    await delay(computePause(tries))
  }
}
