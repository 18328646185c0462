import { setTimeout as delay } from "node:timers/promises"
import { isBusy, toStoreError } from "./failures.ts"

/** Milliseconds that work is tried again while another process holds the database. */
const busyForMs = 2_000
const longestPauseMs = 20

/** Milliseconds before the next try: short at first, and of no fixed length, so that processes do not keep meeting. */
export function pauseAfter(tries: number): number {
  return Math.min(2 ** tries, longestPauseMs) * (0.5 + Math.random())
}

/** When somebody who asks now is told that the database is busy. In milliseconds of `performance.now()`. */
export function patienceEnds(): number {
  return performance.now() + busyForMs
}

/** Tries again from the event loop; nothing waits inside SQLite (rule 15). */
export async function patiently<T>(work: () => T): Promise<T> {
  const ends = patienceEnds()
  for (let tries = 0; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > ends) throw toStoreError(error)
    }
    await delay(pauseAfter(tries))
  }
}
