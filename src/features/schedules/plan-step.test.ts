import { describe, expect, it } from "vitest"
import type { Schedule } from "../../core/ports/store/schedules.ts"
import type { ScheduleSpec } from "../../core/schedule.ts"
import { planStep } from "./plan-step.ts"
import { createTimetable } from "./timetable.ts"

const minute = 60_000
const hour = 60 * minute
/** A whole number of hours after the epoch. */
const noon = 500_000 * hour

function scheduleOf(spec: Partial<ScheduleSpec>, state: Partial<Schedule> = {}): Schedule {
  return {
    id: "sched_1",
    agent: "agent",
    tenant: "t",
    userId: "u",
    name: "hourly",
    origin: "options",
    spec: {
      every: "1h",
      timezone: "UTC",
      message: "Check.",
      session: "fresh",
      overlap: "skip",
      catchUp: "one",
      ...spec,
    },
    sessionId: null,
    createdAt: noon - 1_000 * hour,
    state: "active",
    reason: null,
    nextAt: noon,
    waiting: [],
    wakeAt: noon,
    lastRunId: null,
    isRunning: false,
    revision: 0,
    ...state,
  }
}

/** Takes steps until no occurrence is due. Runs end at once unless `isRunning` is true. */
function settle(schedule: Schedule, now: number) {
  const timetable = createTimetable(schedule.spec, schedule.createdAt)
  const fired: number[] = []
  const skipped: string[] = []
  let current = schedule
  for (let steps = 0; steps < 500 && current.wakeAt !== null && current.wakeAt <= now + 1_000; steps += 1) {
    const step = planStep(current, now, timetable)
    if (step.fires !== null) fired.push(step.fires.at)
    skipped.push(...step.skipped.map(({ outcome, reason }) => `${outcome} ${reason}`))
    current = { ...current, ...step.change }
    if (step.fires === null && step.skipped.length === 0 && current.isRunning) break
  }
  return { fired, skipped, schedule: current }
}

describe("an occurrence on time", () => {
  it("is fired, and the next one is planned", () => {
    const { fired, skipped, schedule } = settle(scheduleOf({}), noon + 500)
    expect({ fired, skipped }).toEqual({ fired: [noon], skipped: [] })
    expect(schedule).toMatchObject({ nextAt: noon + hour, wakeAt: noon + hour, state: "active" })
  })

  it("is skipped while the former run is open", () => {
    const { fired, skipped, schedule } = settle(scheduleOf({}, { isRunning: true }), noon + 500)
    expect({ fired, skipped }).toEqual({ fired: [], skipped: ["skipped still_running"] })
    expect(schedule.nextAt).toBe(noon + hour)
  })

  it("waits with overlap `queue`, and is fired when the former run has ended", () => {
    const waiting = settle(scheduleOf({ overlap: "queue" }, { isRunning: true }), noon + 500)
    expect(waiting.fired).toEqual([])
    expect(waiting.schedule).toMatchObject({ waiting: [noon], wakeAt: noon + 1_500, nextAt: noon + hour })
    const { fired, schedule } = settle({ ...waiting.schedule, isRunning: false }, noon + 2_000)
    expect(fired).toEqual([noon])
    expect(schedule).toMatchObject({ waiting: [], wakeAt: noon + hour })
  })

  it("is skipped if a hundred wait", () => {
    const waiting = Array.from({ length: 100 }, (_, n) => noon - 1_000 + n)
    const { skipped } = settle(scheduleOf({ overlap: "queue" }, { isRunning: true, waiting }), noon + 500)
    expect(skipped).toEqual(["skipped queue_full"])
  })

  it("ends a schedule with a single occurrence", () => {
    const { fired, schedule } = settle(scheduleOf({ every: undefined as never, at: noon }), noon + 500)
    expect(fired).toEqual([noon])
    expect(schedule).toMatchObject({ state: "ended", nextAt: null, wakeAt: null })
  })
})

describe("missed occurrences", () => {
  const later = noon + 5 * hour + 30 * minute

  it("become one with catchUp `one`", () => {
    const { fired, schedule } = settle(scheduleOf({}), later)
    expect(fired).toEqual([noon])
    expect(schedule.nextAt).toBe(noon + 6 * hour)
  })

  it("are replaced by one that is on time", () => {
    const { fired, skipped } = settle(scheduleOf({}), noon + 5 * hour + 10_000)
    expect({ fired, skipped }).toEqual({ fired: [noon + 5 * hour], skipped: ["missed late"] })
  })

  it("are fired one after another with catchUp `all`", () => {
    const { fired, schedule } = settle(scheduleOf({ catchUp: "all" }), later)
    expect(fired).toEqual([0, 1, 2, 3, 4, 5].map((n) => noon + n * hour))
    expect(schedule).toMatchObject({ waiting: [], nextAt: noon + 6 * hour })
  })

  it("are the last hundred with catchUp `all`", () => {
    const { fired, skipped } = settle(scheduleOf({ catchUp: "all" }), noon + 299 * hour + 30 * minute)
    expect(fired).toEqual(Array.from({ length: 100 }, (_, n) => noon + (200 + n) * hour))
    expect(skipped).toEqual(["missed late"])
  })

  it("are skipped with catchUp `none`", () => {
    const { fired, skipped, schedule } = settle(scheduleOf({ catchUp: "none" }), later)
    expect({ fired, skipped }).toEqual({ fired: [], skipped: ["missed late"] })
    expect(schedule.nextAt).toBe(noon + 6 * hour)
  })

  it("of a cron expression are computed without a step for each", () => {
    const spec = { every: undefined as never, cron: "* * * * *", catchUp: "all" } as const
    const { fired, skipped } = settle(scheduleOf(spec), noon + 365 * 24 * hour + 30_000)
    // The last occurrence comes while a hundred others wait, so it is skipped.
    expect(fired).toHaveLength(100)
    expect(skipped.at(-1)).toBe("skipped queue_full")
    expect(fired.at(-1)).toBe(noon + 365 * 24 * hour - minute)
  })

  it("of a schedule with a single occurrence is fired late", () => {
    const { fired, schedule } = settle(scheduleOf({ every: undefined as never, at: noon }), later)
    expect(fired).toEqual([noon])
    expect(schedule.state).toBe("ended")
  })
})
