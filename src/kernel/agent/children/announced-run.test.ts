import { describe, expect, it } from "vitest"
import type { TaskState } from "../../../core/runs/background-task.ts"
import type { RunChain } from "../../../core/runs/run-chain.ts"
import { computeLimitsLeft, findObstacle } from "./announced-run.ts"

const base: RunChain = { origin: "run_1", announced: 0, turns: 0, charged: 0 }

function taskWith(chain: Partial<RunChain> | null, more: Partial<TaskState> = {}): TaskState {
  return {
    ...{ taskId: "task_1", toolCallId: "call_1", name: "worker", description: "", agent: "agent" },
    ...{ sessionId: "sess_2", reservedUsd: null, announce: true, startedAt: 0, runId: "run_1" },
    ...{ outcome: null, state: "ended" },
    ...(chain !== null && { chain: { ...base, ...chain } }),
    ...more,
  }
}

describe("the announcement of a task", () => {
  it("starts a run if nothing is in the way", () => {
    expect(findObstacle(taskWith({ announced: 7 }), 0)).toBeNull()
    expect(findObstacle(taskWith(null), 0)).toBeNull()
  })

  it.each([
    ["the task was collected", taskWith({}, { state: "collected" }), "collected"],
    ["the task was forgotten after that", null, "collected"],
    ["the chain has eight announced runs", taskWith({ announced: 8 }), "runs"],
    ["the chain has as many as the task allows", taskWith({ announced: 2 }, { maxAnnouncedRuns: 2 }), "runs"],
    ["the time of the chain is over", taskWith({ limits: { announceUntil: 5 } }), "time"],
  ])("starts none if %s", (_, task, obstacle) => {
    expect(findObstacle(task, 5)).toBe(obstacle)
  })
})

describe("the limits of an announced run", () => {
  it("are what the chain has left of the smaller limits", () => {
    const limits = { maxTurns: 9, maxBudgetUsd: 2, maxCrashes: 100, announceUntil: 7 }
    const task = taskWith({ limits, turns: 3, charged: 0.5 })
    expect(computeLimitsLeft(task, [task], { maxTurns: 5, maxBudgetUsd: 4 })).toEqual({
      ...{ maxTurns: 2, maxBudgetUsd: 1.5, maxCrashes: 100, announceUntil: 7 },
    })
  })

  it("leave out what running tasks of the chain may still spend", () => {
    const task = taskWith({ charged: 0.5 })
    const running = taskWith({}, { taskId: "task_2", state: "running", reservedUsd: 0.25 })
    const other = taskWith({ origin: "run_2" }, { taskId: "task_3", state: "running", reservedUsd: 1 })
    const left = computeLimitsLeft(task, [task, running, other], { maxBudgetUsd: 1 })
    expect(left).toEqual({ maxBudgetUsd: 0.25 })
  })

  it("are none if neither the agent nor the first run has one", () => {
    expect(computeLimitsLeft(taskWith({ turns: 99, charged: null }), [], {})).toEqual({})
    expect(computeLimitsLeft(taskWith(null), [], {})).toEqual({})
  })

  it.each([
    ["turns", { turns: 5 }, "turns"],
    ["budget", { charged: 1 }, "budget"],
    ["known price", { charged: null }, "budget"],
  ])("do not exist without a %s", (_, chain, obstacle) => {
    expect(computeLimitsLeft(taskWith(chain), [], { maxTurns: 5, maxBudgetUsd: 1 })).toBe(obstacle)
  })
})
