import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import type { EventEntry } from "../../../core/log/entries.ts"
import type { ReturnedWait, Tool, ToolContext, ToolOutcome } from "../../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { settleCancelled } from "../settle-cancelled.ts"

const sleep = (until: number, continuation: JsonObject = {}): ReturnedWait => {
  return { type: "wait", kind: "timer", until, continuation }
}
const json = (value: object) => ({ type: "json", value: value as JsonObject }) as const
const all = <Type extends MemoryRun["events"][number]["type"]>(run: MemoryRun, type: Type) =>
  run.events.filter((event): event is Extract<EventEntry["event"], { type: Type }> => event.type === type)

/** Returns a run whose model calls `nap` once and then responds. */
function runOf(
  execute: (input: object, context: ToolContext) => ToolOutcome | Promise<ToolOutcome>,
  options: Partial<Tool> & { readonly maxToolResultBytes?: number } = {},
): MemoryRun {
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "nap", input: { n: 1 } }],
  )
  return createMemoryRun(provider, { tools: [createAnyTool("nap", execute, options)] })
}

const once = (input: object, { answered }: ToolContext): ToolOutcome =>
  answered === null ? sleep(90_000, { step: 1 }) : json({ input, answered })

describe("a tool that sleeps", () => {
  it("is parked until its time, which is not the expiry of an approval, and asks no one", async () => {
    const run = runOf(once)
    await expect(runLoop(run.context)).resolves.toBe(90_000)
    expect(run.events.slice(-2)).toMatchObject([
      { type: "toolCallStarted" },
      { type: "waitOpened", kind: "timer", toolName: "nap", continuation: { step: 1 }, expiresAt: 90_000 },
    ])
    expect(run.waits).toMatchObject([{ kind: "timer", payload: {}, answerSchema: null }])
    expect(JSON.stringify(run.waits)).not.toContain("step")
    run.clock.now = 89_999
    await expect(runLoop(run.context)).resolves.toBe(90_000)
  })

  it("is executed again at its time with its continuation, by a process that knows it only from the log", async () => {
    const first = runOf(once)
    await runLoop(first.context)
    const run = first.restart()
    run.clock.now = 90_000
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(all(run, "waitResolved")).toMatchObject([{ kind: "timer", resolution: {}, decidedBy: null }])
    expect(all(run, "toolCallCompleted")).toMatchObject([
      { result: json({ input: { n: 1 }, answered: { kind: "timer", continuation: { step: 1 } } }) },
    ])
  })

  it("takes as long as its sleep, in another process as well", async () => {
    const first = runOf(once)
    first.clock.now = 1_000
    await runLoop(first.context)
    const run = first.restart()
    run.clock.now = 90_000
    await runLoop(run.context)
    expect(all(run, "toolCallCompleted")).toMatchObject([{ durationMs: 89_000 }])
  })

  it("continues at once when its time has already passed", async () => {
    const run = runOf(once)
    run.clock.now = 90_001
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(all(run, "toolCallStarted")).toHaveLength(2)
  })

  it("may have had an effect when the run is cancelled meanwhile", async () => {
    const run = runOf(once)
    await runLoop(run.context)
    run.cancel()
    await settleCancelled(run.context)
    expect(all(run, "toolCallInterrupted")).toMatchObject([{ reason: "cancelled", outcome: "unknown" }])
  })

  it("is not executed twice after one sleep when its process dies, unless it may be repeated", async () => {
    const crashed = async (options: Partial<Tool>) => {
      const first = runOf(once, options)
      await runLoop(first.context)
      const { waitId = "" } = first.waits[0] ?? {}
      const end = { kind: "timer", resolution: {}, decidedBy: null } as const
      first.recall(
        { type: "waitResolved", waitId, toolCallId: "call_3", ...end },
        { type: "toolCallStarted", toolCallId: "call_3" },
      )
      const run = first.restart()
      run.clock.now = 90_000
      await runLoop(run.context)
      return run
    }
    expect(all(await crashed({}), "toolCallInterrupted")).toMatchObject([
      { reason: "crashed", outcome: "unknown" },
    ])
    expect(all(await crashed({ idempotent: true }), "toolCallCompleted")).toMatchObject([
      { result: { value: { answered: { kind: "timer", continuation: { step: 1 } } } } },
    ])
  })

  it("may sleep a thousand times in one call, and no more", async () => {
    const run = runOf(() => sleep(0))
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(all(run, "waitOpened")).toHaveLength(1_000)
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: { code: "too_many_waits" } }])
  })

  const nested = JSON.parse(`${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`)
  it.each<[string, unknown, string]>([
    ["no time", { until: undefined, continuation: {} }, "invalid_wait"],
    ["a text for a time", { until: "tomorrow", continuation: {} }, "invalid_wait"],
    ["a time that never comes", { until: Number.POSITIVE_INFINITY, continuation: {} }, "invalid_wait"],
    ["more than a year", { until: 367 * 86_400_000, continuation: {} }, "invalid_wait"],
    ["a continuation that is no object", { until: 1, continuation: [] }, "invalid_wait"],
    ["a huge continuation", { until: 1, continuation: { a: "x".repeat(1_000_001) } }, "invalid_wait"],
    ["a deep continuation", { until: 1, continuation: nested }, "not_json"],
    ["an unknown kind", { kind: "child", until: 1, continuation: {} }, "invalid_wait"],
  ])("fails with %s", async (_, wait, code) => {
    const run = runOf(() => ({ type: "wait", kind: "timer", ...(wait as object) }) as ToolOutcome)
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(run.waits).toEqual([])
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: { code } }])
  })
})
