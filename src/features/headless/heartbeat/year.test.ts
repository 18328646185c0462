import { expect, it } from "vitest"
import { createLoop, FakeClock, hour, minute, quiet } from "../fixtures/heartbeat.ts"

const from = Date.UTC(2026, 0, 1)
const until = Date.UTC(2027, 0, 1)

/** Advances the clock to the next tick at once. The loop itself looks at the clock every 30 seconds. */
function passFromTickToTick(clock: FakeClock, loop: ReturnType<typeof createLoop>["loop"]): void {
  clock.onSleep = (ms) => clock.pass(Math.max(0, (loop.state.next_tick_at ?? 0) - clock.time - ms))
}

// On Lord Howe Island, the clock changes by half an hour.
it.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])(
  "a loop in %s ticks through a year of nights, with restarts and slow ticks, and misses none",
  async (timeZone) => {
    const clock = new FakeClock()
    clock.time = from
    const { loop, times } = createLoop({
      clock,
      config: { intervalSeconds: 900, activeHours: [22, 3.5], timezone: timeZone },
      run: async () => {
        clock.pass((times.length % 14) * minute)
        if (times.length % 100 === 0 || clock.time >= until) loop.stop()
        return quiet
      },
    })
    passFromTickToTick(clock, loop)
    while (clock.time < until) await loop.start()

    const format = new Intl.DateTimeFormat("sv-SE", { timeZone, hour: "2-digit", minute: "2-digit" })
    const expected: number[] = []
    for (let at = times[0] ?? 0; at <= (times.at(-1) ?? 0); at += 15 * minute) {
      const time = format.format(at)
      if (time >= "22:00" || time < "03:30") expected.push(at)
    }
    expect(times).toEqual(expected)
    // There are 22 quarters of an hour each night. The repeated hour makes up for the skipped one.
    expect(times.length).toBeGreaterThan(22 * 364)
  },
)

it("a clock that is set during a tick changes neither its duration nor the rhythm", async () => {
  const clock = new FakeClock()
  const jumps = [-3 * hour, 3 * hour, -hour, hour]
  const { loop, results } = createLoop({
    clock,
    config: { intervalSeconds: 600, maxTicks: 12 },
    run: async () => {
      clock.pass(minute)
      clock.time += jumps.shift() ?? 0
      return quiet
    },
  })
  const started: number[] = []
  clock.onSleep = () => {
    if (results.length > started.length) started.push(clock.elapsed())
  }
  await loop.start()
  expect(results.map(({ durationSeconds }) => durationSeconds)).toEqual(Array(12).fill(60))
  // No wait is longer than the interval, whatever the clock showed in the meantime.
  const waits = started.slice(1).map((at, index) => at - (started[index] ?? 0))
  expect(Math.max(...waits)).toBeLessThanOrEqual(11 * minute)
})
