import { describe, expect, it, vi } from "vitest"
import type { Pricing } from "../../../core/ports/model/pricing.ts"
import type { ModelEvent, Provider } from "../../../core/ports/model/provider.ts"
import type { EndedAttempt } from "../../../core/ports/observer.ts"
import type { Usage } from "../../../core/usage.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { closeInterruptedCall } from "./interrupted-model-call.ts"

/** One US dollar per million input tokens, and five per million output tokens. */
const pricing: Pricing = {
  cost: ({ usage }) =>
    (usage.inputTokens +
      usage.cacheReadInputTokens +
      usage.cacheCreationInputTokens +
      5 * usage.outputTokens) /
    1e6,
}
const usageOf = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  outputTokens,
  cacheCreationInputTokens: 0,
  cacheReadInputTokens: 0,
})
const oneCall = (events: readonly ModelEvent[]): Provider => ({
  name: "scripted",
  defaultModel: "scripted",
  async *stream() {
    yield* events
  },
})
const tool = createAnyTool("look", () => ({ type: "json", value: "there" }))

describe("a budget", () => {
  const maxTokens = 200
  const maxBudgetUsd = 0.02
  const text = "All work and no play makes a dull agent. ".repeat(15)
  const words = Buffer.byteLength(text) / 4

  it.each<[string, (request: number) => Usage | null]>([
    ["tells the truth", () => usageOf(500, words)],
    ["says nothing", () => null],
    ["says it was free", () => usageOf(0, 0)],
    ["says it was next to nothing", () => usageOf(1, 1)],
    ["pays money back", () => usageOf(-1_000_000, -1_000_000)],
    ["cannot count", () => usageOf(Number.NaN, Number.POSITIVE_INFINITY)],
    ["lies as much as can be believed", () => usageOf(100, Math.ceil(Buffer.byteLength(text) / 11))],
    ["lies every other time", (request) => (request % 2 === 0 ? usageOf(500, words) : usageOf(0, 0))],
  ])("is exceeded by at most one call's worst case when the provider %s", async (_, report) => {
    const calls: number[] = []
    const provider: Provider = {
      name: "liar",
      defaultModel: "liar",
      async *stream(request): AsyncGenerator<ModelEvent> {
        // The real cost, at four bytes a token.
        calls.push(
          pricing.cost({
            priceList: undefined,
            model: "liar",
            usage: usageOf(JSON.stringify(request.messages).length / 4, words),
          }) ?? 0,
        )
        yield { type: "textDelta", part: 0, text }
        const call = { type: "toolCall", name: "look", input: {} } as const
        const content = [{ type: "text", text } as const, call]
        yield { type: "end", content, stopReason: "toolCalls", model: "liar", usage: report(calls.length) }
      },
    }
    const run = createMemoryRun(provider, { tools: [tool], maxTokens, maxBudgetUsd, pricing })
    await runLoop(run.context)
    expect(run.events.slice(-2)).toMatchObject([
      { type: "budgetExceeded", budget: maxBudgetUsd },
      { type: "runCompleted", disposition: "interrupted", reason: "budget" },
    ])
    const paid = calls.reduce((sum, cost) => sum + cost, 0)
    expect(calls.length).toBeGreaterThan(1)
    expect(paid).toBeLessThanOrEqual(maxBudgetUsd + Math.max(...calls))
  })

  it("is never exceeded if the provider counts correctly: no call starts that could exceed it", async () => {
    const turn = [
      { type: "toolCall", name: "look" } as const,
      { type: "end", usage: usageOf(400, 200) } as const,
    ]
    const run = createMemoryRun(
      scriptedProvider(() => turn),
      { tools: [tool], maxTokens, maxBudgetUsd: 0.01, pricing },
    )
    await runLoop(run.context)
    const end = run.events.at(-1)
    expect(end).toMatchObject({ reason: "budget" })
    expect(end?.type === "runCompleted" && end.cost).toBeLessThanOrEqual(0.01)
    expect(run.events.at(-2)).toMatchObject({ totalCost: expect.closeTo(0.0084) })
  })

  it("limits the output of a call to what is left of it", async () => {
    const provider = scriptedProvider([[{ type: "text", text: "Short." }]])
    const run = createMemoryRun(provider, { maxTokens: 1_000_000, maxBudgetUsd: 1, pricing })
    await runLoop(run.context)
    const [request] = provider.requests
    // A token of output costs five millionths of a dollar, and the input is small.
    expect(request?.maxTokens).toBeGreaterThan(199_000)
    expect(request?.maxTokens).toBeLessThanOrEqual(200_000)
    expect(run.events.at(-1)).toMatchObject({ disposition: "completed" })
  })

  it("refuses a first call if it pays for fewer than a thousand tokens of output", async () => {
    const provider = scriptedProvider([])
    const run = createMemoryRun(provider, { maxTokens: 1_000_000, maxBudgetUsd: 0.001, pricing })
    await runLoop(run.context)
    expect(provider.requests).toHaveLength(0)
    expect(run.events.map(({ type }) => type)).toEqual(["runStarted", "budgetExceeded", "runCompleted"])
  })

  it("counts failed calls, so that retries cannot exceed it", async () => {
    const cut = [
      { type: "text", text } as const,
      { type: "failure", code: "upstream_cut", retryable: true, retryAfterMs: 1 } as const,
    ]
    const run = createMemoryRun(
      scriptedProvider(() => cut),
      { maxTokens, maxBudgetUsd: 0.003, maxRetries: 100, pricing },
    )
    await runLoop(run.context)
    expect(run.events.filter(({ type }) => type === "stepRetried").length).toBeLessThan(4)
    expect(run.events.slice(-4)).toMatchObject([
      { type: "modelCallFailed", code: "upstream_cut", estimated: true },
      { type: "stepRetried" },
      { type: "budgetExceeded" },
      { type: "runCompleted", reason: "budget" },
    ])
  })

  it("counts the text that a dead process had streamed", async () => {
    const forever = { type: "wait", until: new Promise<void>(() => {}) } as const
    const run = createMemoryRun(
      scriptedProvider([[{ type: "text", text }, forever], [{ type: "text", text: "Hi" }]]),
      {
        maxTokens,
        maxBudgetUsd,
        pricing,
      },
    )
    void runLoop(run.context)
    await vi.waitFor(() => expect(run.deltas).toHaveLength(1))
    const next = run.restart()
    await closeInterruptedCall(next.context, { outputBytes: Buffer.byteLength(text), opened: [] })
    await runLoop(next.context)
    const failed = next.events.find((event) => event.type === "modelCallFailed")
    expect(failed).toMatchObject({
      code: "interrupted",
      estimated: true,
      usage: { outputTokens: Math.ceil(text.length / 3) },
    })
    expect(failed?.cost).toBeGreaterThan((5 * words) / 1e6)
  })

  it("counts the arguments of calls in an interrupted response that no subscriber received", async () => {
    const hiddenBytes = 600
    const run = createMemoryRun(
      oneCall([
        { type: "progress", hiddenBytes },
        { type: "error", code: "upstream_failed", message: "Gone.", retryable: false },
      ]),
      { maxTokens, maxBudgetUsd, pricing },
    )
    await runLoop(run.context)
    expect(run.events.at(-2)).toMatchObject({ usage: { outputTokens: hiddenBytes / 3 }, estimated: true })
  })

  it("is not exhausted by endless arguments", async () => {
    const endless = Array.from({ length: 1_000 }, (_, read) => {
      return { type: "progress", hiddenBytes: (read + 1) * 1_000 } as const
    })
    const run = createMemoryRun(oneCall(endless), { maxTokens, maxBudgetUsd, pricing })
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "answer_too_long" })
  })

  it("accepts a correct count of a conversation with much encrypted reasoning", async () => {
    const run = createMemoryRun(
      scriptedProvider([
        [
          { type: "text", text },
          { type: "end", usage: usageOf(50, 150) },
        ],
      ]),
      {
        maxTokens,
        maxBudgetUsd: 1,
        pricing,
      },
    )
    const vendor = { provider: "openai", data: { encrypted_content: "e".repeat(100_000) } }
    const content = [{ type: "thinking", text: "", vendor } as const]
    run.recall({ type: "historyReplaced", messages: [{ role: "assistant", content }] })
    await runLoop(run.context)
    expect(run.events.find(({ type }) => type === "messageCompleted")).toMatchObject({
      usage: { inputTokens: 50 },
      estimated: false,
    })
  })

  it("is refused for a model of unknown price", async () => {
    const run = createMemoryRun(scriptedProvider([]), { maxBudgetUsd: 1 })
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "price_unknown" })
  })
})

describe("cost", () => {
  it("is zero for a call that was canceled before it started", async () => {
    const provider = scriptedProvider([])
    const run = createMemoryRun(provider, { pricing, observers: { onEventStored: () => run.cancel() } })
    await expect(runLoop(run.context)).rejects.toThrow("cancelled")
    expect(provider.requests).toHaveLength(0)
    expect(run.events.map(({ type }) => type)).toEqual(["runStarted", "stepStarted"])
  })

  it("is zero for a call that was announced and stopped before it started", async () => {
    const overloaded = { type: "failure", code: "overloaded", retryable: true, retryAfterMs: 60_000 } as const
    const answered = [{ type: "text", text: "Hi" } as const, { type: "end", usage: usageOf(7, 1) } as const]
    const provider = scriptedProvider([[overloaded], answered])
    const run = createMemoryRun(provider, { pricing })
    const stopped = expect(runLoop(run.context)).rejects.toMatchObject({ code: "shutting_down" })
    await vi.waitFor(() => expect(run.events.at(-1)).toMatchObject({ type: "stepRetried", attempt: 2 }))
    run.stop()
    await stopped
    const next = run.restart()
    await closeInterruptedCall(next.context, { outputBytes: 0, opened: [] })
    await runLoop(next.context)
    expect(next.events.slice(1)).toMatchObject([
      { type: "stepStarted" },
      { type: "modelCallFailed", attempt: 1, code: "overloaded", cost: 0 },
      { type: "stepRetried", attempt: 2 },
      { type: "modelCallFailed", attempt: 2, code: "not_sent", cost: 0, usage: usageOf(0, 0) },
      { type: "stepRetried", attempt: 3 },
      { type: "messageCompleted" },
      { type: "stepCompleted" },
      { type: "runCompleted", usage: usageOf(7, 1) },
    ])
  })

  it("of a failed call is kept when a cancel replaces the end", async () => {
    const failure = { type: "failure", code: "upstream_cut" } as const
    const run = createMemoryRun(scriptedProvider([[{ type: "text", text: "Hal" }, failure]]), { pricing })
    run.refuseTerminal()
    await expect(runLoop(run.context)).rejects.toThrow("cancelled")
    expect(run.events.at(-1)).toMatchObject({ type: "modelCallFailed", estimated: true })
    expect(run.context.conversation.spent.cost).toBeGreaterThan(0)
  })

  it("of a call without a response in time is estimated", async () => {
    const timeout = { type: "failure", code: "upstream_timeout" } as const
    const run = createMemoryRun(scriptedProvider([[timeout]]), { pricing })
    await runLoop(run.context)
    expect(run.events.at(-2)).toMatchObject({ type: "modelCallFailed", estimated: true })
    expect(run.context.conversation.spent.cost).toBeGreaterThan(0)
  })

  it("is summed over the calls of a step, the steps of a run and the runs of a session", async () => {
    const failure = { type: "failure", code: "upstream_cut", retryable: true, retryAfterMs: 1 } as const
    const reports: EndedAttempt[] = []
    const run = createMemoryRun(
      scriptedProvider([
        [{ type: "text", text: "Hal" }, failure],
        [
          { type: "toolCall", name: "look" },
          { type: "end", usage: usageOf(100, 10) },
        ],
        [
          { type: "text", text: "Done" },
          { type: "end", usage: usageOf(200, 20) },
        ],
      ]),
      { tools: [tool], pricing, observers: { onAttemptEnded: (end) => void reports.push(end) } },
    )
    await runLoop(run.context)
    const costs = run.events.flatMap((event) =>
      "cost" in event ? [[event.type, event.cost ?? Number.NaN]] : [],
    )
    const [failed = 0, first = 0, firstStep, second = 0, secondStep, total] = costs.map(([, cost]) =>
      Number(cost),
    )
    expect(costs.map(([type]) => type)).toEqual([
      "modelCallFailed",
      "messageCompleted",
      "stepCompleted",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
    expect(failed).toBeGreaterThan(0)
    expect(first).toBeCloseTo(0.00015)
    expect(firstStep).toBeCloseTo(failed + first)
    expect(secondStep).toBeCloseTo(second)
    expect(total).toBeCloseTo(failed + first + second)
    expect(run.context.conversation.spent.cost).toBeCloseTo(Number(total))
    expect(reports.map(({ code, estimated }) => ({ failed: code !== null, estimated }))).toEqual([
      { failed: true, estimated: true },
      { failed: false, estimated: false },
      { failed: false, estimated: false },
    ])
    expect(new Set(reports.map(({ id }) => id)).size).toBe(3)
  })

  it("is unknown if the cost of a part is unknown", async () => {
    const run = createMemoryRun(scriptedProvider([[{ type: "text", text: "Hi" }]]))
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", cost: null })
  })

  it("is zero for a call that the provider refused", async () => {
    const run = createMemoryRun(scriptedProvider([[{ type: "failure", code: "authentication_failed" }]]), {
      pricing,
    })
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", cost: 0, usage: usageOf(0, 0) })
  })
})
