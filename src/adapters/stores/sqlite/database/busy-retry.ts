import { setTimeout as delay } from "node:timers/promises"
import { isBusy, toStoreError } from "./failures.ts"

/**
 * Milliseconds for which work is retried while another process locks the database. Only the pauses between the tries
 * count. Time in which this process was stalled says nothing about the other process.
 */
export const busyForMs = 2_000
const longestPauseMs = 20

/**
 * Returns the milliseconds before the next try. They are short at first, and random, so that processes do not keep
 * colliding.
 */
export function computePause(tries: number): number {
  return Math.min(2 ** tries, longestPauseMs) * (0.5 + Math.random())
}

/** Retries the work from the event loop. No call waits inside SQLite (rule 15). */
export async function retryWhileBusy<T>(work: () => T): Promise<T> {
  let waitedMs = 0
  for (let tries = 0; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || waitedMs > busyForMs) throw toStoreError(error)
    }
    const pause = computePause(tries)
    waitedMs += pause
    await delay(pause)
  }
}
