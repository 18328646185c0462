import { describe, expect, it } from "vitest"
import { createLoop, FakeClock, hour, minute, quiet, start } from "../fixtures/heartbeat.ts"

describe("the ticks of a heartbeat", () => {
  it("happen at once, and then at every interval, however long a tick takes", async () => {
    const { loop, clock, offsets } = createLoop({
      config: { intervalSeconds: 600, maxTicks: 4 },
      run: async () => {
        clock.pass(minute)
        return quiet
      },
    })
    await loop.start()
    expect(offsets()).toEqual([0, 10, 20, 30])
  })

  it("never overlap: a tick that takes longer than the interval skips the missed ones", async () => {
    const durations = [25, 1, 10, 1]
    const { loop, clock, offsets } = createLoop({
      config: { intervalSeconds: 600, maxTicks: 4 },
      run: async () => {
        clock.pass((durations.shift() ?? 0) * minute)
        return quiet
      },
    })
    await loop.start()
    // The third tick ends exactly when the next one is due.
    expect(offsets()).toEqual([0, 30, 40, 60])
  })

  it("that were missed while the machine slept become one", async () => {
    const clock = new FakeClock()
    const { loop, offsets } = createLoop({ config: { intervalSeconds: 600, maxTicks: 4 }, clock })
    let slept = false
    clock.onSleep = () => {
      if (slept || clock.time < start + 15 * minute) return
      slept = true
      clock.time += 5 * hour
    }
    await loop.start()
    const [first, second, third, fourth] = offsets()
    expect([first, second]).toEqual([0, 10])
    expect(third).toBeGreaterThan(300)
    expect(third).toBeLessThan(320)
    expect(fourth).toBe(Math.floor((third ?? 0) / 10) * 10 + 10)
  })

  it.each([
    ["an hour", hour],
    ["a year", 366 * 24 * hour],
  ])("continue when the clock is set back by %s, and forward again", async (_, jump) => {
    const clock = new FakeClock()
    const { loop, results } = createLoop({ config: { intervalSeconds: 600, maxTicks: 12 }, clock })
    const jumps = [-jump, jump]
    const elapsed: number[] = []
    clock.onSleep = () => {
      elapsed.push(clock.elapsed())
      if (loop.tickCount === 4 && jumps.length === 2) clock.time += jumps.shift() ?? 0
      if (loop.tickCount === 8 && jumps.length === 1) clock.time += jumps.shift() ?? 0
    }
    await loop.start()
    expect(results).toHaveLength(12)
    // Ticks are never further apart than the interval, whatever the clock shows.
    expect(clock.elapsed()).toBeLessThanOrEqual(11 * 10 * minute)
    expect(clock.elapsed()).toBeGreaterThan(8 * 10 * minute)
  })

  it("keep to the active hours of their time zone", async () => {
    const config = {
      intervalSeconds: 3_600,
      activeHours: [9, 12],
      timezone: "Asia/Kolkata",
      maxTicks: 6,
    } as const
    const { loop, times } = createLoop({ config })
    await loop.start()
    const hours = times.map((time) =>
      new Date(time).toLocaleTimeString("en-GB", {
        timeZone: "Asia/Kolkata",
        hour: "2-digit",
        minute: "2-digit",
      }),
    )
    expect(hours).toEqual(["09:00", "10:00", "11:00", "09:00", "10:00", "11:00"])
  })

  it("follow cron", async () => {
    const { loop, times } = createLoop({
      config: { cron: "0 9 * * 1-5", timezone: "Europe/Berlin", maxTicks: 3 },
    })
    await loop.start()
    expect(times.map((time) => new Date(time).toISOString())).toEqual([
      "2026-06-02T07:00:00.000Z",
      "2026-06-03T07:00:00.000Z",
      "2026-06-04T07:00:00.000Z",
    ])
  })

  // In that time zone, the clock changes by half an hour.
  it.each([Date.UTC(2026, 2, 31), Date.UTC(2026, 8, 30)])(
    "are complete in the days around a clock change on Lord Howe Island, with restarts in between",
    async (from) => {
      const until = from + 8 * 24 * hour
      const timeZone = "Australia/Lord_Howe"
      const clock = new FakeClock()
      clock.time = from
      const { loop, times } = createLoop({
        clock,
        config: { intervalSeconds: 900, activeHours: [1, 3], timezone: timeZone },
        run: async () => {
          if (times.length % 10 === 0 || clock.time >= until) loop.stop()
          return quiet
        },
      })
      while (clock.time < until) await loop.start()
      const format = new Intl.DateTimeFormat("sv-SE", { timeZone, hour: "2-digit", minute: "2-digit" })
      const expected: number[] = []
      for (let at = times[0] ?? 0; at <= (times.at(-1) ?? 0); at += 15 * minute) {
        if (["01", "02"].includes(format.format(at).slice(0, 2))) expected.push(at)
      }
      expect(times).toEqual(expected)
      expect(times.length).toBeGreaterThan(60)
    },
  )
})
