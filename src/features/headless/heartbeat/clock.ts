import { sleep } from "../../../core/time/sleep.ts"

/** The clock of a heartbeat. Tests replace it. */
export interface HeartbeatClock {
  /** Returns milliseconds since the Unix epoch, by the system's clock, which may be set. */
  now(): number
  /** Returns milliseconds of a clock that is never set, for durations. */
  elapsed(): number
  /** Resolves after `ms` milliseconds, or when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemHeartbeatClock: HeartbeatClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep,
}
