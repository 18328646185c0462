import { describe, expect, it } from "vitest"
import { clockChanges, listTimes } from "../../platform/cron/fixtures/clock-changes.ts"
import { createTimetable, findShortestInterval } from "./timetable.ts"

const minute = 60_000
const from = Date.UTC(2026, 0, 1)

describe("on a day on which the clock changes", () => {
  it.each(clockChanges)("$cron in $timezone on $day is at $times", (row) => {
    const { cron, timezone } = row
    expect(listTimes(row, createTimetable({ cron, timezone }, from).after)).toEqual(row.times)
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

it("a single time has no interval", () => {
  const timetable = createTimetable({ at: from, timezone: "UTC" }, from)
  expect(findShortestInterval(timetable, from)).toBeNull()
})
