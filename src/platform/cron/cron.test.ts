import { Cron } from "croner"
import { describe, expect, it } from "vitest"
import { parseCron } from "./cron.ts"
import { clockChanges, listTimes } from "./fixtures/clock-changes.ts"

const minute = 60_000
const from = Date.UTC(2026, 0, 1)
const until = Date.UTC(2027, 0, 1)

describe("on a day on which the clock changes", () => {
  it.each(clockChanges)("$cron in $timezone on $day is at $times", (row) => {
    const { after } = parseCron(row.cron, row.timezone)
    expect(listTimes(row, after)).toEqual(row.times)
  })

  it.each(clockChanges)("$cron in $timezone on $day is the same when it is searched backwards", (row) => {
    const timetable = parseCron(row.cron, row.timezone)
    const start = Date.parse(`${row.day}T00:00:00Z`) - 30 * 60 * minute
    const end = start + 90 * 60 * minute
    const forwards: number[] = []
    for (let at = timetable.after(start); at !== null && at < end; at = timetable.after(at)) forwards.push(at)
    expect(timetable.between(start, end, 1_000)).toEqual(forwards)
  })
})

function timesOf(cron: string, timezone: string): readonly number[] {
  const timetable = parseCron(cron, timezone)
  const times: number[] = []
  for (let at = timetable.after(from - 1); at !== null && at < until; at = timetable.after(at)) times.push(at)
  return times
}

const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"] as const

/** Reads the wall clock. It uses another method than the code under test. */
function wallClock(timeZone: string) {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "short",
  })
  return (at: number) => format.format(at)
}

describe.each(zones)("a year in %s", (timezone) => {
  it.each(["0 9", "30 1", "30 2", "15 2", "0 0", "59 23"])("of %s every day has each date once", (fields) => {
    const [minutes, hours] = fields.split(" ")
    const clock = wallClock(timezone)
    const times = timesOf(`${fields} * * *`, timezone)
    const dates = times.map((at) => clock(at).slice(0, 10))
    expect(new Set(dates).size).toBe(dates.length)
    expect(dates.length).toBeGreaterThanOrEqual(364)
    const wanted = `${hours?.padStart(2, "0")}:${minutes?.padStart(2, "0")}`
    const shifted = times.filter((at) => clock(at).slice(11) !== wanted)
    // Only on the day that lacks this time, the occurrence is at the first minute after the gap.
    expect(shifted.length).toBeLessThanOrEqual(1)
    for (const at of shifted) {
      const before = clock(at - minute).slice(11)
      expect(before < wanted && wanted < clock(at).slice(11)).toBe(true)
    }
  })

  it("of every quarter of an hour omits none and repeats none", () => {
    const clock = wallClock(timezone)
    const expected: number[] = []
    // The offsets of these zones are whole half hours.
    for (let at = from; at < until; at += 5 * minute) {
      if (["00", "15", "30", "45"].includes(clock(at).slice(14))) expected.push(at)
    }
    expect(timesOf("*/15 * * * *", timezone)).toEqual(expected)
  })
})

it("the last times before a time are listed", () => {
  const timetable = parseCron("0 9 * * *", "UTC")
  const day = 24 * 60 * minute
  const nine = from + 9 * 60 * minute
  expect(timetable.between(from, nine + 5 * day, 3)).toEqual([nine + 2 * day, nine + 3 * day, nine + 4 * day])
  expect(timetable.between(nine, nine + 2 * day + 1, 10)).toEqual([nine + day, nine + 2 * day])
  expect(timetable.between(from, nine + day, 0)).toEqual([])
})

it.each(["every day", "2026-12-01T00:00:00", "0 0 0 1 1 * 2030", "61 * * * *", ""])(
  "%j is refused",
  (cron) => {
    expect(() => parseCron(cron, "UTC")).toThrow()
  },
)

it("an expression without a next date has no occurrence", () => {
  expect(parseCron("0 0 30 2 *", "UTC").after(from)).toBeNull()
})

it.each(["0 0 29 2 +MON", "0 0 29 2 *", "30 2 L 3 +SUN", "@yearly", "0 0 0 31 12 +FRI#5"])(
  "%s has the same occurrences as in a search without a bound",
  (cron) => {
    const timetable = parseCron(cron, "Europe/Berlin")
    const unbounded = new Cron(cron, {
      timezone: "Europe/Berlin",
      paused: true,
      fixedTimeRule: "no-wildcard",
    })
    // Before 2100, which is not a leap year, a February 29 that is a Monday comes 40 years after the previous one.
    for (const start of [from, Date.UTC(2072, 5, 1), Date.UTC(2096, 1, 29), Date.UTC(2099, 11, 31, 23, 30)]) {
      expect(timetable.after(start)).toBe(unbounded.nextRun(new Date(start))?.getTime())
    }
  },
)

it("the search for an expression without occurrences ends early", () => {
  const nearest = Array.from({ length: 31 }, (_, index) => `${index + 1}W`).join(",")
  // Its days are never Sundays.
  const cron = `0 0 ${nearest} * +SUN`
  const measure = (search: () => unknown) => {
    const before = process.cpuUsage()
    expect(search()).toBeNull()
    return process.cpuUsage(before).user
  }
  const unbounded = measure(() => new Cron(cron, { timezone: "UTC", paused: true }).nextRun(new Date(from)))
  const bounded = measure(() => parseCron(cron, "UTC").after(from))
  expect(bounded).toBeLessThan(unbounded / 3)
})
