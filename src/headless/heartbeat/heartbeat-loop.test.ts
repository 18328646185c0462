import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { GatewayError } from "../../core/errors.ts"
import { output } from "../fixtures/runs.ts"
import type { RunOutput } from "../run/run-output.ts"
import type { HeartbeatClock } from "./clock.ts"
import { HeartbeatLoop, type HeartbeatOptions } from "./heartbeat-loop.ts"
import type { HeartbeatConfig } from "./options.ts"
import type { HeartbeatTick, TickResult } from "./tick.ts"

const minute = 60_000
const hour = 60 * minute
const start = Date.UTC(2026, 5, 1, 12)

/** A clock that moves only when the loop sleeps, or when it is set. */
class FakeClock implements HeartbeatClock {
  time = start
  #elapsed = 0
  /** Called before each sleep. */
  onSleep: (ms: number) => void = () => undefined

  now() {
    return this.time
  }

  elapsed() {
    return this.#elapsed
  }

  /** Time passes. */
  pass(ms: number) {
    this.time += ms
    this.#elapsed += ms
  }

  async sleep(ms: number) {
    this.onSleep(ms)
    this.pass(ms)
  }
}

const quiet = output({ response: "HEARTBEAT_OK" })
const failed = output({ response: "", error: "Busy.", errorCode: "overloaded" })

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-heartbeat-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

interface SetUp extends Partial<Omit<HeartbeatOptions, "config">> {
  readonly config?: HeartbeatConfig
  readonly clock?: FakeClock
}

/** A loop that notes when it ticks. */
function loopWith({ config = {}, clock = new FakeClock(), run, ...options }: SetUp = {}) {
  const ticks: HeartbeatTick[] = []
  const times: number[] = []
  const results: TickResult[] = []
  const loop = new HeartbeatLoop({
    ...options,
    config,
    clock,
    run: async (tick) => {
      ticks.push(tick)
      times.push(clock.now())
      return run === undefined ? quiet : run(tick)
    },
    onTick: (result, state) => {
      results.push(result)
      return options.onTick?.(result, state)
    },
  })
  return { loop, clock, ticks, times, results, offsets: () => times.map((time) => (time - start) / minute) }
}

describe("the ticks of a heartbeat", () => {
  it("come at once, and then every interval, however long a tick takes", async () => {
    const { loop, clock, offsets } = loopWith({
      config: { intervalSeconds: 600, maxTicks: 4 },
      run: async () => {
        clock.pass(minute)
        return quiet
      },
    })
    await loop.start()
    expect(offsets()).toEqual([0, 10, 20, 30])
  })

  it("never overlap: one that takes longer than the interval skips those it missed", async () => {
    const durations = [25, 1, 10, 1]
    const { loop, clock, offsets } = loopWith({
      config: { intervalSeconds: 600, maxTicks: 4 },
      run: async () => {
        clock.pass((durations.shift() ?? 0) * minute)
        return quiet
      },
    })
    await loop.start()
    // The third one ends at the very time of the next.
    expect(offsets()).toEqual([0, 30, 40, 60])
  })

  it("that were missed while the machine slept are one", async () => {
    const clock = new FakeClock()
    const { loop, offsets } = loopWith({ config: { intervalSeconds: 600, maxTicks: 4 }, clock })
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
  ])("go on when the clock is set back by %s, and forth again", async (_, jump) => {
    const clock = new FakeClock()
    const { loop, results } = loopWith({ config: { intervalSeconds: 600, maxTicks: 12 }, clock })
    const jumps = [-jump, jump]
    const elapsed: number[] = []
    clock.onSleep = () => {
      elapsed.push(clock.elapsed())
      if (loop.tickCount === 4 && jumps.length === 2) clock.time += jumps.shift() ?? 0
      if (loop.tickCount === 8 && jumps.length === 1) clock.time += jumps.shift() ?? 0
    }
    await loop.start()
    expect(results).toHaveLength(12)
    // Never longer than an interval apart, whatever the clock shows.
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
    const { loop, times } = loopWith({ config })
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
    const { loop, times } = loopWith({
      config: { cron: "0 9 * * 1-5", timezone: "Europe/Berlin", maxTicks: 3 },
    })
    await loop.start()
    expect(times.map((time) => new Date(time).toISOString())).toEqual([
      "2026-06-02T07:00:00.000Z",
      "2026-06-03T07:00:00.000Z",
      "2026-06-04T07:00:00.000Z",
    ])
  })

  // Clocks there change by half an hour.
  it.each([Date.UTC(2026, 2, 31), Date.UTC(2026, 8, 30)])(
    "are all there in the days around a change of the clock on Lord Howe Island, with restarts in between",
    async (from) => {
      const until = from + 8 * 24 * hour
      const timeZone = "Australia/Lord_Howe"
      const clock = new FakeClock()
      clock.time = from
      const { loop, times } = loopWith({
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

describe("errors", () => {
  it("back off, and a success resets", async () => {
    const outputs: (RunOutput | Error)[] = [failed, new Error("lost"), failed, quiet, failed, quiet]
    const { loop, offsets, results } = loopWith({
      config: { intervalSeconds: 600, backoffSteps: [60, 300], maxTicks: 6 },
      run: async () => {
        const next = outputs.shift() ?? quiet
        if (next instanceof Error) throw next
        return next
      },
    })
    await loop.start()
    expect(offsets()).toEqual([0, 1, 6, 11, 20, 21])
    expect(results.map(({ outcome }) => outcome)).toEqual([
      "error",
      "error",
      "error",
      "quiet",
      "error",
      "quiet",
    ])
    expect(loop.state).toMatchObject({ consecutive_errors: 0, last_error: null })
  })

  it("in a row make the loop pause and say so, and one success ends that", async () => {
    let broken = true
    const { loop, clock, results, offsets } = loopWith({
      config: {
        intervalSeconds: 600,
        backoffSteps: [60],
        maxConsecutiveErrors: 3,
        pauseSeconds: 7_200,
        maxTicks: 6,
      },
      run: async () => (broken ? failed : quiet),
      onTick: ({ tickNumber }) => {
        if (tickNumber === 4) broken = false
      },
    })
    await loop.start()
    expect(offsets()).toEqual([0, 1, 2, 122, 242, 250])
    expect(results.map(({ pausedUntil }) => pausedUntil && (pausedUntil - start) / minute)).toEqual([
      null,
      null,
      122,
      242,
      null,
      null,
    ])
    expect(clock.elapsed()).toBe(250 * minute)
  })

  it("are told to onError, with what run threw", async () => {
    const onError = vi.fn()
    const lost = new Error("lost")
    const { loop } = loopWith({
      config: { maxTicks: 1 },
      onError,
      run: async () => {
        throw lost
      },
    })
    await loop.start()
    expect(onError).toHaveBeenCalledExactlyOnceWith(lost, expect.objectContaining({ consecutive_errors: 1 }))
  })

  it("of a callback are problems, and the loop goes on", async () => {
    const onProblem = vi.fn()
    const { loop, results } = loopWith({
      config: { maxTicks: 2 },
      onProblem,
      onQuiet: () => {
        throw new Error("no")
      },
    })
    await loop.start()
    expect(results).toHaveLength(2)
    expect(onProblem.mock.calls).toEqual([["onQuiet failed: no"], ["onQuiet failed: no"]])
  })
})

describe("a response", () => {
  const threshold = 20
  const respond = async (response: string, more: Partial<RunOutput> = {}) => {
    const [onAlert, onQuiet] = [vi.fn(), vi.fn()]
    const config = { maxTicks: 1, quietThreshold: threshold }
    const { loop, results } = loopWith({
      config,
      onAlert,
      onQuiet,
      run: async () => output({ response, ...more }),
    })
    await loop.start()
    return {
      alert: onAlert.mock.calls[0]?.[0]?.response,
      isQuiet: onQuiet.mock.calls.length === 1,
      result: results[0],
    }
  }

  it("with the token and at most quietThreshold characters is quiet", async () => {
    expect(await respond(`${"x".repeat(threshold)}\nHEARTBEAT_OK`)).toMatchObject({ isQuiet: true })
    expect(await respond(`${"x".repeat(threshold + 1)}\nHEARTBEAT_OK`)).toMatchObject({
      isQuiet: false,
      alert: "x".repeat(threshold + 1),
    })
  })

  it("without it is an alert, however short", async () => {
    expect(await respond("Mail.")).toMatchObject({ isQuiet: false, alert: "Mail.", result: { alert: true } })
  })

  it("never shows the token", async () => {
    const text = "HEARTBEAT_OK\nBut the HEARTBEAT_OK disk is full, which is long enough."
    const { alert, result } = await respond(text)
    expect(alert).toBe("But the  disk is full, which is long enough.")
    expect(result?.strippedResponse).toBe(alert)
  })

  it.each([
    [{ budgetExceeded: true }, "budget_exceeded"],
    [{ maxTurnsReached: true }, "max_turns_reached"],
    [{ parked: true }, "parked"],
  ] as const)("of a run that is not complete (%j) is an alert", async (more, outcome) => {
    expect(await respond("HEARTBEAT_OK", more)).toMatchObject({
      isQuiet: false,
      result: { outcome, alert: true },
    })
  })
})

describe("a checklist", () => {
  it("is given to run, and a tick without tasks is skipped and costs nothing", async () => {
    const checklistPath = join(await folder(), "HEARTBEAT.md")
    const texts = ["# Only a heading\n", "- mail\n", ""]
    const { loop, ticks, results } = loopWith({
      config: { checklistPath, maxTicks: 4 },
      onTick: async () => writeFile(checklistPath, texts.shift() ?? ""),
    })
    await loop.start()
    expect(results.map(({ skipReason }) => skipReason)).toEqual([
      "empty_checklist",
      "empty_checklist",
      null,
      "empty_checklist",
    ])
    expect(ticks.map(({ checklist }) => checklist)).toEqual(["- mail\n"])
  })

  it("that cannot be used is an error, and calls no model", async () => {
    const onError = vi.fn()
    const { loop, ticks, results } = loopWith({
      config: { checklistPath: await folder(), maxTicks: 1 },
      onError,
    })
    await loop.start()
    expect(ticks).toEqual([])
    expect(results[0]).toMatchObject({ outcome: "error", error: expect.stringContaining("checklist") })
    expect(onError).toHaveBeenCalledOnce()
  })
})

describe("the budget of a day", () => {
  it("ends with the day of the time zone", async () => {
    const { loop, ticks, results } = loopWith({
      config: { intervalSeconds: 7_200, maxBudgetUsdPerDay: 1, timezone: "America/New_York", maxTicks: 12 },
      run: async () => output({ response: "HEARTBEAT_OK", cost: 0.4 }),
    })
    await loop.start()
    expect(ticks.map(({ maxBudgetUsd }) => Number(maxBudgetUsd?.toFixed(2)))).toEqual([
      1, 0.6, 0.2, 1, 0.6, 0.2,
    ])
    expect(results.filter(({ skipReason }) => skipReason === "daily_budget_spent")).toHaveLength(6)
  })

  it("is used up by a tick whose cost is not known", async () => {
    const onProblem = vi.fn()
    const { loop, ticks } = loopWith({
      config: { maxBudgetUsdPerDay: 1, maxTicks: 2 },
      onProblem,
      run: async () => output({ cost: null }),
    })
    await loop.start()
    expect(ticks).toHaveLength(1)
    expect(onProblem).toHaveBeenCalledOnce()
  })
})

describe("a restart", () => {
  const stateOf = async (dir: string) => JSON.parse(await readFile(join(dir, "heartbeat_state.json"), "utf8"))

  it("goes on where the loop was", async () => {
    const stateDir = await folder()
    const clock = new FakeClock()
    const config = { intervalSeconds: 600, stateDir }
    await loopWith({ clock, config: { ...config, maxTicks: 2 } }).loop.start()
    clock.pass(3 * minute)
    const second = loopWith({ clock, config: { ...config, maxTicks: 1 } })
    await second.loop.start()
    expect(second.offsets()).toEqual([20])
    expect(second.ticks[0]?.number).toBe(3)
    clock.pass(hour)
    const third = loopWith({ clock, config: { ...config, maxTicks: 2 } })
    await third.loop.start()
    expect(third.offsets()).toEqual([80, 90])
    expect(await stateOf(stateDir)).toMatchObject({ tick_count: 5, last_outcome: "quiet", open_tick: null })
  })

  it("in the middle of a tick repeats it under the same job", async () => {
    const stateDir = await folder()
    const clock = new FakeClock()
    const config = { stateDir, maxTicks: 1 }
    const stop = new AbortController()
    const first = loopWith({
      clock,
      config,
      run: async () => {
        stop.abort()
        throw new GatewayError({ code: "shutting_down", status: 503 }, "It stops.")
      },
    })
    await first.loop.start({ signal: stop.signal })
    expect(first.results).toEqual([])
    const second = loopWith({ clock, config })
    await second.loop.start()
    expect(second.ticks[0]).toMatchObject({ number: 1, jobId: first.ticks[0]?.jobId })
    expect(second.results).toMatchObject([{ tickNumber: 1, outcome: "quiet" }])
  })

  it("after a crash between a run and its callback calls the callback", async () => {
    const stateDir = await folder()
    const clock = new FakeClock()
    const config = { stateDir, maxTicks: 1 }
    const crash = vi.fn(async () => {
      // As the file is while the callback runs.
      await writeFile(join(stateDir, "copy.json"), await readFile(join(stateDir, "heartbeat_state.json")))
    })
    const first = loopWith({ clock, config, onQuiet: crash })
    await first.loop.start()
    await writeFile(join(stateDir, "heartbeat_state.json"), await readFile(join(stateDir, "copy.json")))
    const onQuiet = vi.fn()
    const second = loopWith({ clock, config, onQuiet })
    await second.loop.start()
    expect(onQuiet).toHaveBeenCalledOnce()
    expect(second.ticks[0]?.jobId).toBe(first.ticks[0]?.jobId)
  })

  it("keeps a back-off", async () => {
    const stateDir = await folder()
    const clock = new FakeClock()
    const config = { stateDir, intervalSeconds: 60, backoffSteps: [600], maxTicks: 1 }
    await loopWith({ clock, config, run: async () => failed }).loop.start()
    const second = loopWith({ clock, config })
    await second.loop.start()
    expect(second.offsets()).toEqual([10])
  })

  it("of a loop whose state another one uses is refused", async () => {
    const stateDir = await folder()
    const blocked = Promise.withResolvers<RunOutput>()
    const reached = Promise.withResolvers<void>()
    const first = loopWith({
      config: { stateDir, maxTicks: 1 },
      run: () => {
        reached.resolve()
        return blocked.promise
      },
    })
    const running = first.loop.start()
    await reached.promise
    await expect(first.loop.start()).rejects.toMatchObject({ code: "heartbeat_running" })
    await expect(loopWith({ config: { stateDir } }).loop.start()).rejects.toMatchObject({
      code: "heartbeat_running",
    })
    blocked.resolve(quiet)
    await running
  })

  it.each(["not JSON", '{ "tick_count": -1 }', '{ "tick_count": "many" }'])(
    "with the state %j is refused, and the file is kept",
    async (text) => {
      const stateDir = await folder()
      await writeFile(join(stateDir, "heartbeat_state.json"), text)
      await expect(loopWith({ config: { stateDir } }).loop.start()).rejects.toMatchObject({
        code: "state_unreadable",
      })
      expect(await readFile(join(stateDir, "heartbeat_state.json"), "utf8")).toBe(text)
    },
  )
})

describe("stop", () => {
  it("ends the loop after the tick in progress", async () => {
    const { loop, results } = loopWith({
      run: async () => {
        loop.stop()
        return quiet
      },
    })
    await loop.start()
    expect(results).toHaveLength(1)
    expect(loop.running).toBe(false)
  })

  it("ends a wait of the system's clock at once", async () => {
    const loop = new HeartbeatLoop({
      run: async () => quiet,
      onTick: () => void setImmediate(() => loop.stop()),
    })
    await loop.start()
    expect(loop.tickCount).toBe(1)
  })
})
