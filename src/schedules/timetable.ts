import { Cron } from "croner"
import type { ScheduleSpec } from "../core/schedule.ts"
import { parseDuration } from "./duration.ts"

/** The times of a schedule, in milliseconds since the Unix epoch. */
export interface Timetable {
  /** Returns the first occurrence after `at`. Null if there is none. */
  after(at: number): number | null
  /** Returns the last occurrences before `at` that are after `from`, in order, at most `limit`. */
  between(from: number, at: number, limit: number): readonly number[]
}

/** The time of a schedule, as in `ScheduleSpec`. */
export type Timing = Pick<ScheduleSpec, "cron" | "every" | "at" | "timezone">

/**
 * Creates a timetable. Intervals count from `anchor`, so that a late occurrence does not move later ones. Throws an
 * `Error` for an invalid cron expression or interval, and if there is no time at all.
 */
export function createTimetable({ cron, every, at, timezone }: Timing, anchor: number): Timetable {
  if (cron !== undefined) return createCronTimetable(cron, timezone)
  if (every !== undefined) return createIntervalTimetable(every, anchor)
  if (at !== undefined) return createOnceTimetable(at)
  throw new Error("it has no cron expression, interval or time")
}

/**
 * Creates the timetable of a cron expression. As in the cron of most systems, a time that a clock change skips comes
 * right after the gap, and a time that comes twice counts once. Expressions with a `*` or a step in their time of day
 * follow the clock instead.
 */
function createCronTimetable(expression: string, timezone: string): Timetable {
  // Croner also accepts dates.
  if (expression.trim().split(/\s+/).length < 5 && !expression.trim().startsWith("@"))
    throw new Error(`${JSON.stringify(expression)} is not a cron expression of five or six fields`)
  const options = { timezone, paused: true, fixedTimeRule: "no-wildcard" } as const
  const cron = new Cron(expression, { ...options, mode: "5-or-6-parts" })
  let search = { year: Number.NaN, cron }
  return {
    after(at) {
      const year = new Date(at).getUTCFullYear()
      if (year !== search.year) search = { year, cron: new Cron(addYears(expression, year), options) }
      return search.cron.nextRun(new Date(at))?.getTime() ?? null
    },
    between(from, at, limit) {
      const times: number[] = []
      // One at a time, because the search for a rare occurrence before `from` would take long.
      for (let before = at; times.length < limit; ) {
        const time = cron.previousRuns(1, new Date(before))[0]?.getTime()
        if (time === undefined || time <= from) break
        times.push(time)
        before = time
      }
      return times.reverse()
    },
  }
}

/**
 * Years that a search for the next occurrence covers. Each date falls on each day of the week within 40 years. By
 * itself, Croner searches 400 years, which takes up to half a second for an expression without occurrences.
 */
const searchedYears = 40
const lastYear = 9_999

/** Adds the years to search as the seventh field. The year before is included, because zones differ by a day. */
function addYears(expression: string, year: number): string {
  const fields = expression.trim().split(/\s+/)
  // The expressions with names, such as `@daily`, have an occurrence in each year.
  if (fields.length < 5) return expression
  const first = Math.min(year - 1, lastYear)
  const withSeconds = fields.length === 5 ? ["0", ...fields] : fields
  return [...withSeconds, `${first}-${Math.min(year + searchedYears, lastYear)}`].join(" ")
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
