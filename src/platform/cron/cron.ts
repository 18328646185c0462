import { Cron } from "croner"

/** Occurrences, in milliseconds since the Unix epoch. */
export interface Timetable {
  /** Returns the first occurrence after `at`. Null if there is none. */
  after(at: number): number | null
  /** Returns the last occurrences before `at` that are after `from`, in order, at most `limit`. */
  between(from: number, at: number, limit: number): readonly number[]
}

/**
 * Parses a cron expression of five fields, of six with seconds first, or a name such as `@daily`. Throws an `Error`
 * with the mistake if it is not one. Occurrences that are more than 40 years apart are not found.
 *
 * As in the cron of most systems, a time that a clock change skips comes right after the gap, and a time that comes
 * twice counts once. Expressions with a `*` or a step in their time of day follow the clock instead.
 */
export function parseCron(expression: string, timezone: string): Timetable {
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

/** Returns true for the IANA name of a time zone. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name })
    return true
  } catch {
    // `Intl` throws a RangeError for an unknown name.
    return false
  }
}
