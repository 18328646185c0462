import { describe, expect, it, onTestFinished, vi } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import type { BackgroundTask } from "../../../core/runs/background-task.ts"
import {
  createAnswered,
  createApproval,
  createAsk,
  ended,
  FakeLog,
  step,
  take,
} from "../fixtures/fake-tree-log.ts"

describe("background tasks in the view of a tree", () => {
  const usage = { inputTokens: 7, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
  const stepEnd: Event = { type: "stepCompleted", stepId: "step", step: 1, usage, cost: 1 }
  const search: readonly Event[] = [
    {
      ...{ type: "toolCallRequested", stepId: "step", toolCallId: "call_s", name: "search", input: {} },
      ...{ callIndex: 0, executionLocation: "backend" },
    },
    { type: "toolCallStarted", toolCallId: "call_s" },
  ]
  const found: Event = {
    ...{ type: "toolCallCompleted", toolCallId: "call_s", name: "search", durationMs: 1, server: null },
    ...{ executionLocation: "backend", result: { type: "json", value: 1 } },
  }

  function task(child: string): BackgroundTask {
    const names = { name: "worker", description: "Look.", agent: "agent" }
    const ids = { taskId: `task_${child}`, toolCallId: `call_${child}`, sessionId: child }
    return { ...ids, ...names, reservedUsd: null, announce: false, startedAt: 1 }
  }
  const registers = (child: string): Event => ({ type: "taskRegistered", ...task(child) })
  const ends = (child: string): Event => {
    return { type: "taskEnded", taskId: `task_${child}`, name: "worker", toolCallId: "", outcome } as Event
  }
  const outcome = { outcome: "completed", reason: null, response: "", output: null, error: null }

  function rootWithTask(...events: readonly (Event | string)[]): FakeLog {
    const log = new FakeLog()
    log.create("root")
    log.publish("root", step, registers("bg"))
    log.create("bg", "root")
    log.publish("bg", ...events)
    return log
  }

  it("show the progress and the waits of a task, and none of its text", async () => {
    const log = rootWithTask(step, "text", ...search, createApproval("call_a"))
    const { iterator, leave } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 5)).toEqual([
      ...["root:stepStarted", "root:taskRegistered", "+bg"],
      ...["bg:waitOpened call_a", "task_bg@1 search 0"],
    ])
    const next = take(iterator, 1)
    log.publish("root", "more")
    expect(await next).toEqual(["root:more"])
    await leave()
    expect(log.openViews).toBe(0)
  })

  it("report the progress from time to time, and always the last one", async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const log = rootWithTask(step)
    const { iterator, leave } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 4)).toHaveLength(4)
    const next = take(iterator, 1)
    for (const event of [...search, found, stepEnd, step, ...search]) {
      log.publish("bg", event)
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await next).toEqual(["task_bg@1 search 7"])
    await leave()
  })

  it("that ran before the view started are shown from their current turn, with their total spending", async () => {
    const log = rootWithTask(
      step,
      ...search,
      createApproval("call_old"),
      found,
      stepEnd,
      step,
      createApproval("call_new"),
    )
    log.tasks = [task("bg")]
    const { iterator, leave } = log.view("root", { afterSeq: 2 })
    expect(await take(iterator, 3)).toEqual(["+bg", "bg:waitOpened call_new", "task_bg@1 - 7"])
    await leave()
  })

  it("survive the run that started them, and leave room for sub-agents that a call waits for", async () => {
    const log = rootWithTask(step)
    log.create("child", "root")
    log.publish("child", "x", ended)
    log.publish("root", createAsk("child"), createAnswered("child"), ended)
    const { iterator } = log.view("root", { isNewRun: true, maxSubAgents: 1 })
    const seen = await take(iterator, 20)
    expect(seen).toContain("child:x")
    expect(seen.at(-1)).toBe("root:runCompleted")
    expect(log.openViews).toBe(0)
  })

  it("do not delay a view if their task never started", async () => {
    const log = new FakeLog()
    log.create("root")
    log.publish("root", step, registers("never"), ends("never"), ended)
    const { iterator } = log.view("root", { isNewRun: true })
    expect((await take(iterator, 20)).at(-1)).toBe("root:runCompleted")
  })

  it("show the waits of the sub-agents of a task", async () => {
    const log = rootWithTask(step, createAsk("below"))
    log.create("below", "bg")
    log.publish("below", step, "text", createApproval("call_b"))
    const { iterator, leave } = log.view("root", { isNewRun: true })
    const seen = await take(iterator, 7)
    expect(seen).toContain("below:waitOpened call_b")
    expect(seen.filter((name) => name.includes("@"))).toEqual(["task_bg@1 - 0"])
    expect(seen).not.toContain("below:text")
    await leave()
  })
})
