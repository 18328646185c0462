import { Cron } from "croner"
import { describe, expect, it } from "vitest"
import { createTimetable, findShortestInterval, type Timing } from "./timetable.ts"

const minute = 60_000
const from = Date.UTC(2026, 0, 1)
const until = Date.UTC(2027, 0, 1)

function timesOf(timing: Timing, start = from, end = until): readonly number[] {
  const timetable = createTimetable(timing, start)
  const times: number[] = []
  for (let at = timetable.after(start - 1); at !== null && at < end; at = timetable.after(at)) times.push(at)
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
    const times = timesOf({ cron: `${fields} * * *`, timezone })
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
    expect(timesOf({ cron: "*/15 * * * *", timezone })).toEqual(expected)
  })
})

describe("an interval", () => {
  it("counts from its start, and also before it", () => {
    const timetable = createTimetable({ every: "6h", timezone: "UTC" }, 1_000)
    expect(timetable.after(0)).toBe(6 * 60 * minute + 1_000)
    expect(timetable.after(1_000)).toBe(6 * 60 * minute + 1_000)
    expect(timetable.after(6 * 60 * minute + 1_000)).toBe(12 * 60 * minute + 1_000)
  })

  it("lists the last ones before a time", () => {
    const timetable = createTimetable({ every: "1m", timezone: "UTC" }, 0)
    expect(timetable.between(0, 10 * minute, 3)).toEqual([7 * minute, 8 * minute, 9 * minute])
    expect(timetable.between(8 * minute, 10 * minute, 3)).toEqual([9 * minute])
  })
})

it("the last times of a cron expression before a time are listed", () => {
  const timetable = createTimetable({ cron: "0 9 * * *", timezone: "UTC" }, 0)
  const day = 24 * 60 * minute
  const nine = from + 9 * 60 * minute
  expect(timetable.between(from, nine + 5 * day, 3)).toEqual([nine + 2 * day, nine + 3 * day, nine + 4 * day])
  expect(timetable.between(nine, nine + 2 * day + 1, 10)).toEqual([nine + day, nine + 2 * day])
  expect(timetable.between(from, nine + day, 0)).toEqual([])
})

it("rare occurrences are compared for ten years only", () => {
  const timetable = createTimetable({ cron: "0 0 29 2 *", timezone: "UTC" }, from)
  let calls = 0
  const counting = {
    ...timetable,
    after(at: number) {
      calls += 1
      return timetable.after(at)
    },
  }
  const first = Date.UTC(2028, 1, 29)
  expect(findShortestInterval(counting, first)).toBe(4 * 365.25 * 24 * 60 * minute)
  expect(calls).toBeLessThan(10)
})

it.each([
  { cron: "every day" },
  { cron: "2026-12-01T00:00:00" },
  { cron: "0 0 0 1 1 * 2030" },
  { cron: "61 * * * *" },
  { every: "15 minutes" },
  { every: "0m" },
  { every: "-5m" },
  { every: "36501d" },
  { every: "999999999d" },
])("%j is refused", (timing) => {
  expect(() => createTimetable({ ...timing, timezone: "UTC" }, 0)).toThrow()
})

it.each([
  ["* * * * *", minute],
  ["* * * * * *", 1_000],
  ["0,1 30 4 * * *", 1_000],
  ["0,59 0,23 * * *", minute],
  ["0 9 * * *", 24 * 60 * minute],
])("the shortest interval of %s is %i ms", (cron, expected) => {
  const timetable = createTimetable({ cron, timezone: "UTC" }, from)
  expect(findShortestInterval(timetable, timetable.after(from) ?? from)).toBe(expected)
})

it("an expression without a next date has no occurrence", () => {
  const timetable = createTimetable({ cron: "0 0 30 2 *", timezone: "UTC" }, from)
  expect(timetable.after(from)).toBeNull()
})

it("a single time has no interval", () => {
  const timetable = createTimetable({ at: from, timezone: "UTC" }, from)
  expect(findShortestInterval(timetable, from)).toBeNull()
})

it.each(["0 0 29 2 +MON", "0 0 29 2 *", "30 2 L 3 +SUN", "@yearly", "0 0 0 31 12 +FRI#5"])(
  "%s has the same occurrences as in a search without a bound",
  (cron) => {
    const timetable = createTimetable({ cron, timezone: "Europe/Berlin" }, from)
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
  const bounded = measure(() => createTimetable({ cron, timezone: "UTC" }, from).after(from))
  expect(bounded).toBeLessThan(unbounded / 3)
})
