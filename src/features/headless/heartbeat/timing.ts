import type { ResolvedHeartbeat } from "./options.ts"
import type { Schedule } from "./schedule.ts"
import type { HeartbeatState } from "./state.ts"

export interface Timing {
  readonly config: ResolvedHeartbeat
  readonly schedule: Schedule
  readonly now: number
}

/**
 * Returns the time of the next tick as of `now`. A missed tick is due at once, and several missed ticks count as one.
 * If the clock was set back, a tick may be too far away. It is then planned again from now.
 */
export function planTick(state: HeartbeatState, { config, schedule, now }: Timing): number {
  const { next_tick_at: planned, anchor_at: anchor } = state
  if (planned === null) return config.cron === undefined ? schedule.activeFrom(now) : schedule.after(now, now)
  if (planned <= now && schedule.isActive(now)) return now
  const regular = schedule.after(now, anchor ?? now)
  if (planned <= now) return regular
  const delay = computeDelaySeconds(state, config)
  return Math.min(planned, delay === null ? regular : schedule.activeFrom(now + delay * 1_000))
}

/** Returns the time of the next tick after one that ended at `now`. */
export function planTickAfter(
  state: HeartbeatState,
  { config, schedule, now }: Timing,
): Pick<HeartbeatState, "next_tick_at" | "paused_until"> {
  const delay = computeDelaySeconds(state, config)
  if (delay === null) return { next_tick_at: schedule.after(now, state.anchor_at ?? now), paused_until: null }
  const until = now + delay * 1_000
  return { next_tick_at: schedule.activeFrom(until), paused_until: isPausing(state, config) ? until : null }
}

/** Returns the seconds to wait after an error. Null if the next tick is the next regular one. */
function computeDelaySeconds(state: HeartbeatState, config: ResolvedHeartbeat): number | null {
  const { consecutive_errors: errors, last_outcome: outcome } = state
  if (errors === 0 || outcome === "skipped") return null
  if (isPausing(state, config)) return config.pauseSeconds
  return config.backoffSteps[Math.min(errors, config.backoffSteps.length) - 1] ?? null
}

/** Returns true if the loop pauses. After a pause one tick is tried. If it fails too, the loop pauses again. */
function isPausing(state: HeartbeatState, { maxConsecutiveErrors }: ResolvedHeartbeat): boolean {
  return state.consecutive_errors >= maxConsecutiveErrors
}
