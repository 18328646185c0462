import type { Clock } from "../../../../core/time/clock.ts"

/** The database's clock, which this process reads with each heartbeat and estimates in between. */
export interface StoreClock extends Clock {
  /** Reports the database's time, and the times of `monotonic` before and after it was requested. */
  read(serverMs: number, asked: { readonly sentAt: number; readonly receivedAt: number }): void
}

/**
 * Creates the clock, which must be read before its first use. All processes of a database therefore agree on when a
 * wait expires, whatever the clocks of their machines say. `monotonic` returns milliseconds that no one sets.
 */
export function createStoreClock(monotonic: () => number = () => performance.now()): StoreClock {
  /** The database's time at 0 of the monotonic clock. */
  let origin: number | null = null
  return {
    now() {
      if (origin === null) throw new Error("The database's clock was not read yet.")
      return Math.floor(origin + monotonic())
    },
    read(serverMs, { sentAt, receivedAt }) {
      // The database read its clock in between, so the origin is between these two. An estimate that fits is kept.
      const [least, most] = [serverMs - receivedAt, serverMs - sentAt]
      origin = Math.min(most, Math.max(least, origin ?? (least + most) / 2))
    },
  }
}
