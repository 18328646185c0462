import { sleep } from "../../core/time/sleep.ts"

/** The clock of a heartbeat, which tests replace. */
export interface HeartbeatClock {
  /** Milliseconds since the Unix epoch, by the system's clock, which may be set. */
  now(): number
  /** Milliseconds by a clock that no one sets, for durations. */
  elapsed(): number
  /** Resolves after so many milliseconds, or when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemHeartbeatClock: HeartbeatClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep,
}
