import { describe, expect, it } from "vitest"
import { clockChanges, listTimes } from "../../../platform/cron/fixtures/clock-changes.ts"
import { createActiveHours } from "./active-hours.ts"
import { createLocalTime } from "./local-time.ts"
import { type HeartbeatConfig, resolveHeartbeat } from "./options.ts"
import { createSchedule } from "./schedule.ts"

const from = Date.UTC(2026, 0, 1)
const until = Date.UTC(2027, 0, 1)
const minute = 60_000

const formats = new Map<string, Intl.DateTimeFormat>()

/** Returns the hour of the day with its fraction. It uses another method than the code under test. */
function wallHours(at: number, timeZone: string): number {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat("sv-SE", { timeZone, hour: "2-digit", minute: "2-digit" })
  formats.set(timeZone, format)
  const text = format.format(at)
  return Number(text.slice(0, 2)) + Number(text.slice(3, 5)) / 60
}

const isIn = ([start, end]: readonly [number, number], hours: number) =>
  start < end ? hours >= start && hours < end : hours >= start || hours < end

function ticksOfYear(config: HeartbeatConfig, anchor = from): readonly number[] {
  const schedule = createSchedule(resolveHeartbeat(config))
  const ticks: number[] = []
  for (let at = schedule.after(from - 1, anchor); at < until; at = schedule.after(at, anchor)) ticks.push(at)
  return ticks
}

const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"] as const
const ranges: readonly (readonly [number, number])[] = [
  [8, 22],
  [22, 6],
  [0, 24],
  // Hours within the hour that is skipped, and within the hour that is repeated.
  [2, 3],
  [1.5, 2.25],
]

describe.each(zones)("in %s", (timezone) => {
  it.each(ranges)(
    "a year of ticks every 30 minutes within [%d, %d) misses none and adds none",
    (...range) => {
      const anchor = from + 7 * minute
      const expected: number[] = []
      for (let at = anchor; at < until; at += 30 * minute) {
        if (isIn(range, wallHours(at, timezone))) expected.push(at)
      }
      expect(ticksOfYear({ intervalSeconds: 1_800, activeHours: range, timezone }, anchor)).toEqual(expected)
    },
  )

  it.each(ranges)("[%d, %d) opens at the first minute that is inside", (...range) => {
    const hours = createActiveHours(range, createLocalTime(timezone))
    // The days around all clock changes in these zones.
    const wrong: number[] = []
    for (const [month, day] of [
      [2, 7],
      [2, 28],
      [3, 4],
      [9, 3],
      [9, 24],
      [10, 0],
    ] as const) {
      let opening = Number.NaN
      const end = Date.UTC(2026, month, day + 3)
      for (let at = end + 2 * 24 * 60 * minute; at >= end - 3 * 24 * 60 * minute; at -= minute) {
        if (isIn(range, wallHours(at, timezone))) opening = at
        if (at < end && at % (17 * minute) === 0 && hours.opening(at) !== opening) wrong.push(at)
      }
    }
    expect(wrong).toEqual([])
  })

  it("cron ticks once a day at the same hour of the wall clock", () => {
    const ticks = ticksOfYear({ cron: "0 9 * * *", timezone })
    expect(ticks.every((at) => wallHours(at, timezone) === 9)).toBe(true)
    const days = ticks.map((at) => createLocalTime(timezone).date(at))
    expect(new Set(days).size).toBe(days.length)
    expect(days.length).toBe(365)
  })

  it("cron does not tick twice in the repeated hour, and does not lose the day whose hour is skipped", () => {
    const days = ticksOfYear({ cron: "15 2 * * *", timezone }).map((at) => createLocalTime(timezone).date(at))
    expect(new Set(days).size).toBe(days.length)
    expect(days.length).toBe(365)
  })

  it("cron respects the active hours", () => {
    const ticks = ticksOfYear({ cron: "*/20 * * * *", activeHours: [22, 6], timezone })
    expect(ticks.every((at) => isIn([22, 6], wallHours(at, timezone)))).toBe(true)
    expect(ticks.length).toBeGreaterThan(364 * 24)
  })
})

describe("on a day on which the clock changes", () => {
  it.each(clockChanges)("$cron in $timezone on $day ticks at $times", (row) => {
    const { cron, timezone } = row
    const schedule = createSchedule(resolveHeartbeat({ cron, timezone }))
    expect(listTimes(row, (at) => schedule.after(at, at))).toEqual(row.times)
  })
})

it("local time equals the wall clock at each hour of the year", () => {
  const wrong: string[] = []
  for (const zone of zones) {
    const local = createLocalTime(zone)
    for (let at = from; at < until; at += 60 * minute) {
      const difference = local.timeOfDay(at) / 3_600_000 - wallHours(at, zone)
      if (Math.abs(difference) > 1e-6) wrong.push(`${zone} ${at}`)
    }
  }
  expect(wrong).toEqual([])
})

describe("a schedule is refused", () => {
  it.each<[HeartbeatConfig, string]>([
    [{ timezone: "Mars/Olympus" }, "timezone"],
    [{ activeHours: [8, 8] }, "activeHours"],
    [{ activeHours: [8, 25] }, "activeHours"],
    [{ intervalSeconds: 0 }, "intervalSeconds"],
    [{ cron: "every day" }, "cron"],
    [{ cron: "2026-12-01T00:00:00" }, "cron"],
    [{ cron: "0 9 * * *", intervalSeconds: 60 }, "cron"],
    [{ backoffSteps: [] }, "backoffSteps"],
    [{ mispelt: 1 } as HeartbeatConfig, "mispelt"],
  ])("for %j", (config, name) => {
    expect(() => resolveHeartbeat(config)).toThrow(name)
  })

  it("when none of its ticks is in the active hours", () => {
    const schedule = createSchedule(
      resolveHeartbeat({ intervalSeconds: 24 * 3_600, activeHours: [8, 9], timezone: "UTC" }),
    )
    expect(() => schedule.after(from, from + 12 * 3_600_000)).toThrow("no tick falls into activeHours")
  })
})

it.each<[HeartbeatConfig, string]>([
  [{ backoffSteps: [0.5] }, "backoffSteps[0]: must be at least 1 second"],
  [{ intervalSeconds: 0 }, "intervalSeconds: must be at least 1 second"],
  [{ timezone: "Mars/Olympus" }, "An unknown one does not mean UTC"],
  [{ interval_seconds: 60 } as HeartbeatConfig, "interval_seconds (did you mean intervalSeconds?)"],
])("the options %j of a heartbeat are refused with a hint", (config, hint) => {
  expect(() => resolveHeartbeat(config)).toThrow(hint)
})
