import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it, vi } from "vitest"
import { GatewayError } from "../../../core/errors.ts"
import { createFolder, createLoop, FakeClock, failed, hour, minute, quiet } from "../fixtures/heartbeat.ts"
import { createOutput } from "../fixtures/runs.ts"
import type { RunOutput } from "../run/run-output.ts"
import { HeartbeatLoop } from "./heartbeat-loop.ts"

describe("a restart", () => {
  const stateOf = async (dir: string) => JSON.parse(await readFile(join(dir, "heartbeat_state.json"), "utf8"))

  it("continues the loop", async () => {
    const stateDir = await createFolder()
    const clock = new FakeClock()
    const config = { intervalSeconds: 600, stateDir }
    await createLoop({ clock, config: { ...config, maxTicks: 2 } }).loop.start()
    clock.pass(3 * minute)
    const second = createLoop({ clock, config: { ...config, maxTicks: 1 } })
    await second.loop.start()
    expect(second.offsets()).toEqual([20])
    expect(second.ticks[0]?.number).toBe(3)
    clock.pass(hour)
    const third = createLoop({ clock, config: { ...config, maxTicks: 2 } })
    await third.loop.start()
    expect(third.offsets()).toEqual([80, 90])
    expect(await stateOf(stateDir)).toMatchObject({ tick_count: 5, last_outcome: "quiet", open_tick: null })
  })

  it("continues from the state file of the Python package 0.5.3", async () => {
    const stateDir = await createFolder()
    const state = {
      ...{ tick_count: 7, consecutive_errors: 1, last_outcome: "error", last_error: "It broke." },
      ...{ last_skip_reason: null, last_alert: false, last_duration_seconds: 0.25, last_delay_seconds: 30.0 },
      last_tick_started_at: "2026-11-24T17:00:00.123456+00:00",
      last_tick_finished_at: "2026-11-24T18:00:00.373456+01:00",
    }
    await writeFile(join(stateDir, "heartbeat_state.json"), JSON.stringify(state))
    const { loop, results } = createLoop({ config: { stateDir, maxTicks: 1 } })
    await loop.start()
    expect(results).toMatchObject([{ tickNumber: 8, outcome: "quiet" }])
    expect(await stateOf(stateDir)).toMatchObject({ tick_count: 8, consecutive_errors: 0 })
  })

  it("refuses a state file with a time that is no time", async () => {
    const stateDir = await createFolder()
    await writeFile(join(stateDir, "heartbeat_state.json"), JSON.stringify({ last_tick_started_at: "today" }))
    const { loop } = createLoop({ config: { stateDir, maxTicks: 1 } })
    await expect(loop.start()).rejects.toMatchObject({ code: "state_unreadable" })
  })

  it.each([
    ["cost", { cost: undefined }],
    ["text of its error", { error: new Error("lost") }],
  ])("continues after a run whose output has no valid %s", async (_what, part) => {
    const config = { stateDir: await createFolder(), maxTicks: 1, maxBudgetUsdPerDay: 1 }
    const options = { onProblem: () => undefined, run: async () => createOutput(part as never) }
    await createLoop({ config, ...options }).loop.start()
    const { loop } = createLoop({ config, ...options })
    await loop.start()
    expect(loop.tickCount).toBe(2)
  })

  it("in the middle of a tick repeats the tick with the same job", async () => {
    const stateDir = await createFolder()
    const clock = new FakeClock()
    const config = { stateDir, maxTicks: 1 }
    const stop = new AbortController()
    const first = createLoop({
      clock,
      config,
      run: async () => {
        stop.abort()
        throw new GatewayError({ code: "shutting_down", status: 503 }, "It stops.")
      },
    })
    await first.loop.start({ signal: stop.signal })
    expect(first.results).toEqual([])
    const second = createLoop({ clock, config })
    await second.loop.start()
    expect(second.ticks[0]).toMatchObject({ number: 1, jobId: first.ticks[0]?.jobId })
    expect(second.results).toMatchObject([{ tickNumber: 1, outcome: "quiet" }])
  })

  it("after a crash between a run and its callback calls the callback", async () => {
    const stateDir = await createFolder()
    const clock = new FakeClock()
    const config = { stateDir, maxTicks: 1 }
    const crash = vi.fn(async () => {
      // The state file as it is while the callback runs.
      await writeFile(join(stateDir, "copy.json"), await readFile(join(stateDir, "heartbeat_state.json")))
    })
    const first = createLoop({ clock, config, onQuiet: crash })
    await first.loop.start()
    await writeFile(join(stateDir, "heartbeat_state.json"), await readFile(join(stateDir, "copy.json")))
    const onQuiet = vi.fn()
    const second = createLoop({ clock, config, onQuiet })
    await second.loop.start()
    expect(onQuiet).toHaveBeenCalledOnce()
    expect(second.ticks[0]?.jobId).toBe(first.ticks[0]?.jobId)
  })

  it("keeps a back-off", async () => {
    const stateDir = await createFolder()
    const clock = new FakeClock()
    const config = { stateDir, intervalSeconds: 60, backoffSteps: [600], maxTicks: 1 }
    await createLoop({ clock, config, run: async () => failed }).loop.start()
    const second = createLoop({ clock, config })
    await second.loop.start()
    expect(second.offsets()).toEqual([10])
  })

  it("of a loop whose state another one uses is refused", async () => {
    const stateDir = await createFolder()
    const blocked = Promise.withResolvers<RunOutput>()
    const reached = Promise.withResolvers<void>()
    const first = createLoop({
      config: { stateDir, maxTicks: 1 },
      run: () => {
        reached.resolve()
        return blocked.promise
      },
    })
    const running = first.loop.start()
    await reached.promise
    await expect(first.loop.start()).rejects.toMatchObject({ code: "heartbeat_running" })
    await expect(createLoop({ config: { stateDir } }).loop.start()).rejects.toMatchObject({
      code: "heartbeat_running",
    })
    blocked.resolve(quiet)
    await running
  })

  it.each(["not JSON", '{ "tick_count": -1 }', '{ "tick_count": "many" }'])(
    "with the state %j is refused, and the file is kept",
    async (text) => {
      const stateDir = await createFolder()
      await writeFile(join(stateDir, "heartbeat_state.json"), text)
      await expect(createLoop({ config: { stateDir } }).loop.start()).rejects.toMatchObject({
        code: "state_unreadable",
      })
      expect(await readFile(join(stateDir, "heartbeat_state.json"), "utf8")).toBe(text)
    },
  )
})

describe("stop", () => {
  it("ends the loop after the tick in progress", async () => {
    const { loop, results } = createLoop({
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
