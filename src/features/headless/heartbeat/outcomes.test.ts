import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { createFolder, createLoop, failed, minute, quiet, start } from "../fixtures/heartbeat.ts"
import { createOutput } from "../fixtures/runs.ts"
import type { RunOutput } from "../run/run-output.ts"

const failAlways = () => {
  throw new Error("no")
}

describe("errors", () => {
  it("cause a back-off, which a success resets", async () => {
    const outputs: (RunOutput | Error)[] = [failed, new Error("lost"), failed, quiet, failed, quiet]
    const { loop, offsets, results } = createLoop({
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

  it("in a row pause the loop with a report, and one success ends the pause", async () => {
    let broken = true
    const { loop, clock, results, offsets } = createLoop({
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

  it("are passed to onError, with the thrown error", async () => {
    const onError = vi.fn()
    const lost = new Error("lost")
    const { loop } = createLoop({
      config: { maxTicks: 1 },
      onError,
      run: async () => {
        throw lost
      },
    })
    await loop.start()
    expect(onError).toHaveBeenCalledExactlyOnceWith(lost, expect.objectContaining({ consecutive_errors: 1 }))
  })

  it("of a callback are reported, and the loop continues", async () => {
    const onProblem = vi.fn()
    const { loop, results } = createLoop({
      config: { maxTicks: 2 },
      onProblem,
      onQuiet: failAlways,
    })
    await loop.start()
    expect(results).toHaveLength(2)
    expect(onProblem.mock.calls).toEqual([["onQuiet failed: no"], ["onQuiet failed: no"]])
  })

  it.each([
    [
      "throws",
      () => {
        throw new Error("full disk")
      },
    ],
    ["rejects", async () => Promise.reject(new Error("full disk"))],
  ])("of onProblem, if it %s, become a process warning, and the loop continues", async (_how, onProblem) => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined)
    onTestFinished(() => warn.mockRestore())
    const { loop, results } = createLoop({
      config: { maxTicks: 2 },
      onProblem,
      onQuiet: failAlways,
    })
    await loop.start()
    expect(results).toHaveLength(2)
    expect(warn).toHaveBeenCalledWith("onProblem failed: full disk")
  })
})

describe("a response", () => {
  const threshold = 20
  const respond = async (response: string, more: Partial<RunOutput> = {}) => {
    const [onAlert, onQuiet] = [vi.fn(), vi.fn()]
    const config = { maxTicks: 1, quietThreshold: threshold }
    const { loop, results } = createLoop({
      config,
      onAlert,
      onQuiet,
      run: async () => createOutput({ response, ...more }),
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

  it("without it is an alert, even if it is short", async () => {
    expect(await respond("Mail.")).toMatchObject({ isQuiet: false, alert: "Mail.", result: { alert: true } })
  })

  it("never contains the token when shown", async () => {
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
  it("is passed to run, and a tick without tasks is skipped without cost", async () => {
    const checklistPath = join(await createFolder(), "HEARTBEAT.md")
    const texts = ["# Only a heading\n", "- mail\n", ""]
    const { loop, ticks, results } = createLoop({
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
    const { loop, ticks, results } = createLoop({
      config: { checklistPath: await createFolder(), maxTicks: 1 },
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
    const { loop, ticks, results } = createLoop({
      config: { intervalSeconds: 7_200, maxBudgetUsdPerDay: 1, timezone: "America/New_York", maxTicks: 12 },
      run: async () => createOutput({ response: "HEARTBEAT_OK", cost: 0.4 }),
    })
    await loop.start()
    expect(ticks.map(({ maxBudgetUsd }) => Number(maxBudgetUsd?.toFixed(2)))).toEqual([
      1, 0.6, 0.2, 1, 0.6, 0.2,
    ])
    expect(results.filter(({ skipReason }) => skipReason === "daily_budget_spent")).toHaveLength(6)
  })

  it("is used up by a tick of unknown cost", async () => {
    const onProblem = vi.fn()
    const { loop, ticks } = createLoop({
      config: { maxBudgetUsdPerDay: 1, maxTicks: 2 },
      onProblem,
      run: async () => createOutput({ cost: null }),
    })
    await loop.start()
    expect(ticks).toHaveLength(1)
    expect(onProblem).toHaveBeenCalledOnce()
  })
})
