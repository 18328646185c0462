import type { ScheduleSpec } from "../../core/schedule.ts"
import { parseCron, type Timetable } from "../../platform/cron/cron.ts"
import { parseDuration } from "./duration.ts"

/** The time of a schedule, as in `ScheduleSpec`. */
export type Timing = Pick<ScheduleSpec, "cron" | "every" | "at" | "timezone">

/**
 * Creates a timetable. Intervals count from `anchor`, so that a late occurrence does not move later ones. Throws an
 * `Error` for an invalid cron expression or interval, and if there is no time at all.
 */
export function createTimetable({ cron, every, at, timezone }: Timing, anchor: number): Timetable {
  if (cron !== undefined) return parseCron(cron, timezone)
  if (every !== undefined) return createIntervalTimetable(every, anchor)
  if (at !== undefined) return createOnceTimetable(at)
  throw new Error("it has no cron expression, interval or time")
}

const dayMs = 86_400_000
/** The longest interval. Beyond some millennia, the next occurrence would be no valid date. */
const longestIntervalMs = 36_500 * dayMs

function createIntervalTimetable(every: string, anchor: number): Timetable {
  const intervalMs = parseDuration(every)
  if (intervalMs === null || intervalMs === 0)
    throw new Error(`${JSON.stringify(every)} is not a time such as 30s, 15m, 6h or 7d`)
  if (intervalMs > longestIntervalMs)
    throw new Error(`${JSON.stringify(every)} is longer than ${longestIntervalMs / dayMs} days`)
  const after = (at: number) => anchor + Math.max(Math.floor((at - anchor) / intervalMs) + 1, 1) * intervalMs
  return {
    after,
    between(from, at, limit) {
      const times: number[] = []
      for (
        let time = Math.max(after(from), after(at - 1) - limit * intervalMs);
        time < at;
        time += intervalMs
      )
        times.push(time)
      return times
    },
  }
}

function createOnceTimetable(time: number): Timetable {
  return {
    after: (at) => (time > at ? time : null),
    between: (from, at, limit) => (limit > 0 && time > from && time < at ? [time] : []),
  }
}

/**
 * Number of occurrences whose distances are compared. They show the pattern of any expression's minutes and hours.
 */
const sampled = 100
/** Milliseconds after which no further occurrences are compared, because the search for rare ones takes long. */
const sampledMs = 10 * 366 * dayMs

/**
 * Returns the shortest time between two of the occurrences from `first` on, which is one itself. Null if there are
 * fewer than two.
 */
export function findShortestInterval(timetable: Timetable, first: number): number | null {
  let shortest: number | null = null
  let last: number | null = first
  for (let count = 1; count < sampled && last !== null && last - first <= sampledMs; count += 1) {
    const next: number | null = timetable.after(last)
    if (next !== null) shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, next - last)
    last = next
  }
  return shortest
}
