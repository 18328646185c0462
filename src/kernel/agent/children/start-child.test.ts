import { describe, expect, it } from "vitest"
import type { Pricing } from "../../../core/ports/model/pricing.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import type { ChildOutcome, ChildTask } from "../../../core/runs/child.ts"
import type { Usage } from "../../../core/usage.ts"
import { type ScriptedStep, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { settleCancelled } from "../settle-cancelled.ts"

const usage: Usage = { inputTokens: 0, outputTokens: 0, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
/** Model calls are free in these tests. The outcomes of the children state what the children spent. */
const pricing: Pricing = { cost: () => 0 }

/** Returns a run whose model calls `delegate` `count` times in one message and then responds. */
function runOf(
  count: number,
  task: Partial<ChildTask> | ((index: number) => Partial<ChildTask>) = {},
  options: Parameters<typeof createMemoryRun>[1] = {},
): MemoryRun {
  const calls = Array.from({ length: count }, (_, index): ScriptedStep => {
    return { type: "toolCall", name: "delegate", input: { index } }
  })
  const provider = scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "tool" ? [{ type: "text", text: "Done." }] : calls,
  )
  const delegate = createAnyTool("delegate", ({ index }, { answered }) => {
    if (answered?.kind === "child") return { type: "json", value: answered.response }
    const given = typeof task === "function" ? task(Number(index)) : task
    const content = [{ type: "text", text: "Work." }] as const
    return { type: "wait", kind: "child", task: { content, ...given }, continuation: {} }
  })
  return createMemoryRun(provider, { tools: [delegate], pricing, ...options })
}

const done = (more: Partial<ChildOutcome> = {}): ChildOutcome => {
  const nothing = { reason: null, output: null, error: null, spent: { usage, cost: 0 }, charged: 0 }
  return { outcome: "completed", response: "Did it.", ...nothing, ...more }
}

const started = ({ outbox }: MemoryRun) =>
  outbox.flatMap(payloadOf).filter(({ type }) => type === "startChild")
const payloadOf = (item: OutboxItem) => (item.kind === "command" ? [item.payload as { type: string }] : [])
const reserved = ({ waits }: MemoryRun) =>
  waits.map((wait) => (wait.kind === "child" ? wait.payload.reservedUsd : undefined))
const errors = ({ events }: MemoryRun) =>
  events.flatMap((event) =>
    event.type === "toolCallCompleted" && event.result.type === "error" ? [event.result.code] : [],
  )

describe("a tool that returns a child", () => {
  it("opens a wait and has the session started in the same commit", async () => {
    const run = runOf(1, { context: { topic: "x" }, limits: { maxTurns: 3 } })
    await expect(runLoop(run.context)).resolves.toBe(86_430_000)
    const [wait] = run.waits
    if (wait?.kind !== "child") throw new Error("No child wait was opened.")
    const { agent, sessionId, runId } = wait.payload
    expect(agent).toBe("agent")
    expect(wait).toMatchObject({ waitId: runId, nonce: runId, answerSchema: null })
    expect(started(run)).toMatchObject([
      {
        child: {
          agent: "agent",
          parent: { sessionId: "sess_1", runId: "run_1", toolCallId: wait.toolCallId },
        },
        command: { sessionId, runId, context: { topic: "x" }, limits: { maxTurns: 3 } },
      },
    ])
  })

  it("gets an error instead of a child if the user has no storage left", async () => {
    const run = runOf(1, {}, { isStorageFull: async () => true })
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect([run.waits, run.outbox]).toEqual([[], []])
    expect(errors(run)).toEqual(["storage_full"])
  })

  it("continues with the child's answer, and its run counts the child's spending", async () => {
    const run = runOf(1)
    await runLoop(run.context)
    const spent = { usage: { ...usage, cacheReadInputTokens: 7 }, cost: 0.5 }
    const { toolCallId = "" } = run.waits[0] ?? {}
    run.answer({ kind: "child", answer: done({ spent, charged: 0.5 }), toolCallId })
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(run.events.at(-1)).toMatchObject({
      type: "runCompleted",
      cost: 0.5,
      usage: { cacheReadInputTokens: 7 },
    })
  })

  it("divides the free budget among its children, and never reserves more than that", async () => {
    const run = runOf(6, {}, { maxBudgetUsd: 1 })
    await runLoop(run.context)
    const shares = reserved(run).map(Number)
    expect(shares).toHaveLength(4)
    expect(shares.every((share) => Math.abs(share - 0.25) < 1e-9)).toBe(true)
    expect(errors(run)).toEqual(["budget_exceeded", "budget_exceeded"])
  })

  it("frees the unused part of a child's reservation, and counts the whole reservation if the child never answered", async () => {
    const run = runOf(2, { limits: { maxBudgetUsd: 0.4 }, timeoutMs: 1_000 }, { maxBudgetUsd: 1 })
    await runLoop(run.context)
    const { toolCallId = "" } = run.waits[0] ?? {}
    run.answer({ kind: "child", answer: done({ charged: 0.1 }), toolCallId })
    await runLoop(run.context)
    expect(run.context.conversation.run?.charged).toBeCloseTo(0.1)
    run.clock.now = 31_000
    await expect(runLoop(run.context)).resolves.toBeNull()
    const timedOut = run.events.find((event) => event.type === "waitResolved" && event.decidedBy === null)
    expect(timedOut).toMatchObject({
      resolution: { outcome: "failed", error: { code: "child_timeout" }, charged: 0.4 },
    })
    const { payload } = run.waits[1] ?? {}
    expect(run.outbox.at(-1)?.payload).toMatchObject({
      type: "put",
      command: { type: "cancel", ...pick(payload) },
    })
  })

  it.each<[string, unknown, string]>([
    ["is no object", "x", "invalid_wait"],
    ["has no content", { content: [] }, "invalid_wait"],
    ["names no text as its agent", { agent: 7 }, "invalid_wait"],
    ["has a limit of 0", { limits: { maxTurns: 0 } }, "invalid_wait"],
    ["waits longer than a year", { timeoutMs: 1e12 }, "invalid_wait"],
    ["is too large", { content: [{ type: "text", text: "x".repeat(300_000) }] }, "invalid_wait"],
    ["names an unknown agent", { agent: "nobody" }, "unknown_agent"],
  ])("is refused if the task %s", async (_, task, code) => {
    const run = runOf(1, typeof task === "string" ? { content: task as never } : (task as Partial<ChildTask>))
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(errors(run)).toEqual([code])
    expect(run.outbox).toEqual([])
  })

  it("is refused at the maximum depth of a tree", async () => {
    const run = runOf(1, {}, { depth: 8 })
    await runLoop(run.context)
    expect(errors(run)).toEqual(["too_deep"])
  })

  it("is canceled at its time limit, and the call has its report if it comes within 30 s", async () => {
    const run = runOf(1, { timeoutMs: 5_000 })
    await runLoop(run.context)
    const { toolCallId = "", payload } = run.waits[0] ?? {}
    const limits = run.outbox.filter(({ notBefore }) => notBefore === 5_000)
    expect(limits).toMatchObject([{ payload: { command: { type: "cancel", ...pick(payload) } } }])
    run.clock.now = 5_001
    const answer = done({ outcome: "interrupted", reason: "cancelled", response: "Half.", charged: 0.1 })
    run.answer({ kind: "child", answer, toolCallId, at: 5_001 })
    await expect(runLoop(run.context)).resolves.toBeNull()
    const [reported] = run.events.filter((event) => event.type === "waitResolved")
    const error = { code: "child_timeout" }
    expect(reported).toMatchObject({
      resolution: { outcome: "failed", error, response: "Half.", charged: 0.1 },
    })
    expect(run.droppedItems).toEqual(limits.map(({ id }) => id))
  })

  it("is no timeout if the child was canceled before its time limit", async () => {
    const run = runOf(1, { timeoutMs: 5_000 })
    await runLoop(run.context)
    const { toolCallId = "" } = run.waits[0] ?? {}
    run.answer({ kind: "child", answer: done({ outcome: "interrupted", reason: "cancelled" }), toolCallId })
    await runLoop(run.context)
    const [reported] = run.events.filter((event) => event.type === "waitResolved")
    expect(reported).toMatchObject({
      resolution: { outcome: "interrupted", reason: "cancelled", error: null },
    })
  })

  it("has a bounded number of concurrent children, and of calls that wait for their end", async () => {
    const run = runOf(70)
    await runLoop(run.context)
    expect(started(run)).toHaveLength(32)
    expect(run.waits.filter(({ kind }) => kind === "timer")).toHaveLength(32)
    expect(errors(run)).toEqual(Array.from({ length: 6 }, () => "too_many_children"))
  })
})

describe("the end of a run in a tree", () => {
  it("cancels the children that are open", async () => {
    const run = runOf(2)
    await runLoop(run.context)
    await settleCancelled(run.context)
    const cancels = run.outbox.filter(({ notBefore }) => notBefore === undefined).flatMap(payloadOf)
    expect(cancels.filter(({ type }) => type === "put")).toMatchObject(
      run.waits.map(({ payload }) => ({ command: { type: "cancel", ...pick(payload) } })),
    )
    expect(run.droppedItems).toHaveLength(2)
  })

  it("reports the last response and all charges to the call for which the run works", async () => {
    const parent = { sessionId: "sess_parent", runId: "run_parent", toolCallId: "call_parent" }
    const provider = scriptedProvider([[{ type: "text", text: "Here it is." }]])
    const run = createMemoryRun(provider, { parent, pricing: { cost: () => 0.01 } })
    await runLoop(run.context)
    expect(run.outbox.flatMap(payloadOf)).toMatchObject([
      {
        type: "answer",
        command: {
          kind: "child",
          sessionId: "sess_parent",
          waitId: "run_1",
          answer: { outcome: "completed", response: "Here it is.", charged: 0.01, error: null },
        },
      },
    ])
  })

  it("reports a response that is truncated to the outbox limit", async () => {
    const parent = { sessionId: "sess_parent", runId: "run_parent", toolCallId: "call_parent" }
    const run = createMemoryRun(scriptedProvider([[{ type: "text", text: "界".repeat(500_000) }]]), {
      parent,
    })
    await runLoop(run.context)
    expect(Buffer.byteLength(JSON.stringify(run.outbox[0]?.payload))).toBeLessThan(500_000)
  })
})

/** Returns the session and the run of a child wait's payload. */
function pick(payload: unknown): object {
  const { sessionId, runId } = payload as { readonly sessionId: string; readonly runId: string }
  return { sessionId, runId }
}
