import { ConfigurationError } from "../../../core/errors.ts"
import { parseCron } from "../../../platform/cron/cron.ts"
import { always, createActiveHours } from "./active-hours.ts"
import { createLocalTime } from "./local-time.ts"
import { defaultIntervalSeconds, type ResolvedHeartbeat } from "./options.ts"

/** Computes the times of a heartbeat's ticks. It has no clock. Times are milliseconds since the Unix epoch. */
export interface Schedule {
  /** Returns the first regular tick after `at`. `anchor` is the time of the very first tick. */
  after(at: number, anchor: number): number
  /** Returns the first time from `at` on that is in the active hours. */
  activeFrom(at: number): number
  isActive(at: number): boolean
  /** Returns the local date, to which the costs of a day are assigned. */
  date(at: number): string
  /** The longest time between two ticks outside pauses and inactive hours. Null if it varies. */
  readonly intervalMs: number | null
}

/** Maximum steps from a tick outside the active hours to one inside. After that, there is none. */
const maxSteps = 1_000

export function createSchedule(config: ResolvedHeartbeat): Schedule {
  const { cron, intervalSeconds = defaultIntervalSeconds, timezone } = config
  const local = createLocalTime(timezone)
  const hours = config.activeHours === undefined ? always : createActiveHours(config.activeHours, local)
  const grid =
    cron === undefined ? createIntervalGrid(intervalSeconds * 1_000) : createCronGrid(cron, timezone)
  return {
    after(at, anchor) {
      let tick = grid(at, anchor)
      for (let step = 0; step < maxSteps; step++) {
        if (hours.contains(tick)) return tick
        // This is the first one at or after the start of the hours.
        tick = grid(hours.opening(tick) - 1, anchor)
      }
      throw new ConfigurationError("HeartbeatLoop: no tick falls into activeHours.")
    },
    activeFrom: (at) => hours.opening(at),
    isActive: (at) => hours.contains(at),
    date: (at) => local.date(at),
    intervalMs: cron === undefined ? intervalSeconds * 1_000 : null,
  }
}

type Grid = (after: number, anchor: number) => number

/** Places ticks at whole intervals from the anchor, so that a slow tick does not move the later ones. */
function createIntervalGrid(intervalMs: number): Grid {
  return (after, anchor) => anchor + (Math.floor((after - anchor) / intervalMs) + 1) * intervalMs
}

function createCronGrid(expression: string, timezone: string): Grid {
  const cron = parseCron(expression, timezone)
  return (after) => {
    const next = cron.after(after)
    if (next === null) throw new ConfigurationError("HeartbeatLoop: cron has no further tick.")
    return next
  }
}
