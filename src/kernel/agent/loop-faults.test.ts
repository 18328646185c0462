import { afterEach, describe, expect, it, vi } from "vitest"
import type { ModelEvent, Provider } from "../../core/ports/model/provider.ts"
import { noSpending } from "../../core/usage.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"
import { closeInterruptedCall } from "./model/interrupted-model-call.ts"
import { settleCancelled } from "./settle-cancelled.ts"

const say = (text: string) => ({ type: "text", text }) as const
const call = (name: string, input = {}) => ({ type: "toolCall", name, input }) as const
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)

describe("a model call that fails", () => {
  const failure = { type: "failure", code: "overloaded", retryable: true, retryAfterMs: 1 } as const

  it("is retried if a retry can help, and its streamed text is discarded", async () => {
    const run = createMemoryRun(scriptedProvider([[say("Hal"), failure], [say("Hello")]]))
    await runLoop(run.context)
    expect(types(run.events).slice(1, 5)).toEqual([
      "stepStarted",
      "modelCallFailed",
      "stepRetried",
      "messageCompleted",
    ])
    const opened = [{ type: "text", part: 0 }]
    expect(run.events[3]).toMatchObject({ attempt: 2, error: { code: "overloaded" }, opened })
    expect(run.context.conversation.messages.at(-1)).toMatchObject({ content: [{ text: "Hello" }] })
  })

  it("is logged with the parts that it had opened, and a later attempt only with its own", async () => {
    const thinking = { type: "thinking", text: "Hm" } as const
    const run = createMemoryRun(
      scriptedProvider([[thinking, say("Hal"), failure], [failure], [say("Hello")]]),
    )
    await runLoop(run.context)
    const retries = run.events.filter((event) => event.type === "stepRetried")
    expect(retries[0]?.opened).toEqual([
      { type: "thinking", part: 0 },
      { type: "text", part: 1 },
    ])
    expect(retries[1]).not.toHaveProperty("opened")
  })

  it("ends the run with its code after the last retry", async () => {
    const run = createMemoryRun(scriptedProvider(() => [failure]))
    await runLoop(run.context)
    expect(run.events.filter(({ type }) => type === "stepRetried")).toHaveLength(2)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "overloaded" })
  })

  it("ends the run at once if a retry cannot help", async () => {
    const provider = scriptedProvider([[{ type: "failure", code: "authentication_failed" }]])
    const run = createMemoryRun(provider)
    await runLoop(run.context)
    expect(provider.requests).toHaveLength(1)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "authentication_failed" })
  })
})

describe("a model that makes no progress", () => {
  const pause = { type: "end", stopReason: "pause" } as const
  const cut = { ...call("t"), malformedInput: '{"text": "' } as const

  it.each([
    ["pauses again and again", [say("Hm."), pause]],
    ["says nothing but that it pauses", [pause]],
    ["is cut in every call, or writes none that can be read", [say("Now."), cut, cut]],
  ])("ends the run when it %s", async (_, turn) => {
    const provider = scriptedProvider(() => turn)
    const run = createMemoryRun(provider, { tools: [createAnyTool("t", () => ({ type: "json", value: 1 }))] })
    await runLoop(run.context)
    expect(provider.requests).toHaveLength(10)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "no_progress" })
  })

  it("gets all retries again after a step that made progress", async () => {
    const turns = Array.from({ length: 25 }, (_, n) => (n % 8 === 7 ? [cut, call("t")] : [cut]))
    const provider = scriptedProvider([...turns, [say("Done.")]])
    const run = createMemoryRun(provider, { tools: [createAnyTool("t", () => ({ type: "json", value: 1 }))] })
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })
})

describe("a provider that never ends its response", () => {
  afterEach(() => void vi.useRealTimers())

  it.each<[string, ModelEvent]>([
    ["only works in secret", { type: "progress", advanced: true }],
    ["says a letter now and then", { type: "textDelta", part: 0, text: "a" }],
  ])("is aborted when it %s, and not retried", async (_, event) => {
    vi.useFakeTimers()
    let calls = 0
    const provider: Provider = {
      name: "endless",
      defaultModel: "endless",
      async *stream(_request, { signal }) {
        for (calls++; !signal.aborted; ) {
          await new Promise((resolve) => setTimeout(resolve, 30_000))
          yield event
        }
      },
    }
    const run = createMemoryRun(provider, { maxTokens: 1_000 })
    const running = runLoop(run.context)
    await vi.advanceTimersByTimeAsync(30 * 60 * 1_000)
    expect(types(run.events)).not.toContain("runFailed")
    await vi.advanceTimersByTimeAsync(5 * 60 * 1_000)
    await running
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "upstream_timeout" })
    expect(calls).toBe(1)
  })
})

describe("arguments or results that nest without end", () => {
  const nested = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`)

  it("are reported to the model, and do not end the run", async () => {
    const execute = vi.fn((input: object) => ({
      type: "json" as const,
      value: "a" in input ? 1 : nested(20_000),
    }))
    const provider = scriptedProvider([
      [call("t", nested(20_000))],
      [call("t")],
      [call("t", nested(50))],
      [say("Done.")],
    ])
    const run = createMemoryRun(provider, { tools: [createAnyTool("t", execute)] })
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
    expect(run.events.filter(({ type }) => type === "toolCallCompleted")).toMatchObject([
      { result: { code: "invalid_input" } },
      { result: { code: "not_json" } },
      { result: { value: 1 } },
    ])
    expect(execute).toHaveBeenCalledTimes(2)
  })
})

describe("a cancelled run", () => {
  it("keeps the text so far and ends as interrupted", async () => {
    const provider = scriptedProvider([[say("Half of"), { type: "wait", until: new Promise(() => {}) }]])
    const run = createMemoryRun(provider)
    const ending = expect(runLoop(run.context)).rejects.toMatchObject({ code: "cancelled" })
    await vi.waitFor(() => expect(run.deltas).toHaveLength(1))
    run.cancel()
    await ending
    await settleCancelled(run.context)
    expect(run.events.slice(-3)).toMatchObject([
      { type: "messageCompleted", stopReason: "cancelled", message: { content: [{ text: "Half of" }] } },
      { type: "stepCompleted" },
      { type: "runCompleted", disposition: "interrupted", reason: "cancelled" },
    ])
  })

  it("aborts running tools, and reports which calls may have had an effect", async () => {
    const aborted = vi.fn()
    const stuck = createAnyTool("stuck", (_, { signal }) => {
      signal.addEventListener("abort", aborted)
      return new Promise(() => {})
    })
    const later = createAnyTool("later", () => ({ type: "json", value: null }), { sequential: true })
    const run = createMemoryRun(scriptedProvider([[call("stuck"), call("later")]]), { tools: [stuck, later] })
    const ending = expect(runLoop(run.context)).rejects.toMatchObject({ code: "cancelled" })
    await vi.waitFor(() => expect(types(run.events)).toContain("toolCallStarted"))
    run.cancel()
    await ending
    await settleCancelled(run.context)
    expect(aborted).toHaveBeenCalledOnce()
    expect(run.events.filter(({ type }) => type === "toolCallInterrupted")).toMatchObject([
      { name: "stuck", outcome: "unknown" },
      { name: "later", outcome: "not_started" },
    ])
  })

  it("does not end as completed when the cancel was acknowledged first", async () => {
    const run = createMemoryRun(scriptedProvider([[say("Hello")]]))
    run.refuseTerminal()
    await expect(runLoop(run.context)).rejects.toMatchObject({ code: "cancelled" })
    await settleCancelled(run.context)
    expect(run.events.filter(({ type }) => type === "runCompleted")).toMatchObject([{ reason: "cancelled" }])
  })
})

describe("a run that fails", () => {
  it("reports which of its calls may have had an effect", async () => {
    const stuck = createAnyTool("stuck", () => new Promise(() => {}))
    const later = createAnyTool("later", () => ({ type: "json", value: null }), { sequential: true })
    const run = createMemoryRun(scriptedProvider([[call("stuck"), call("later")]]), { tools: [stuck, later] })
    void runLoop(run.context)
    await vi.waitFor(() => expect(types(run.events)).toContain("toolCallStarted"))
    const { spent = noSpending } = run.context.conversation.run ?? {}
    run.recall({ type: "runFailed", code: "internal_error", message: "Failed.", ...spent })
    expect(run.context.conversation.messages.at(-1)).toMatchObject({
      role: "tool",
      results: [
        { result: { message: expect.stringContaining("may or may not have taken effect: the run failed") } },
        { result: { message: "The call was not executed: the run failed." } },
      ],
    })
  })
})

describe("a run that resumes after a crash", () => {
  const untilTool = async (tool: ReturnType<typeof createAnyTool>) => {
    const provider = scriptedProvider((request) =>
      request.messages.at(-1)?.role === "tool" ? [say("Done")] : [call("t")],
    )
    const run = createMemoryRun(provider, { tools: [tool] })
    void runLoop(run.context).catch(() => undefined)
    await vi.waitFor(() => expect(types(run.events)).toContain("toolCallStarted"))
    return run.restart()
  }

  it("repeats the model call whose response was lost, and discards its streamed text", async () => {
    const provider = scriptedProvider([
      [say("Hal"), { type: "wait", until: new Promise(() => {}) }],
      [say("Hello")],
    ])
    const run = createMemoryRun(provider)
    void runLoop(run.context)
    await vi.waitFor(() => expect(run.deltas).toHaveLength(1))
    const next = run.restart()
    await closeInterruptedCall(next.context, { outputBytes: 3, opened: [] })
    await runLoop(next.context)
    expect(types(next.events)).toEqual([
      "runStarted",
      "stepStarted",
      "modelCallFailed",
      "stepRetried",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
  })

  it("does not execute a started call again, and tells the model that its outcome is unknown", async () => {
    const execute = vi.fn(() => new Promise<never>(() => {}))
    const next = await untilTool(createAnyTool("t", execute))
    await runLoop(next.context)
    expect(execute).toHaveBeenCalledOnce()
    expect(next.events).toContainEqual({
      type: "toolCallInterrupted",
      toolCallId: "call_3",
      name: "t",
      reason: "crashed",
      outcome: "unknown",
      stoppedInOrder: false,
    })
    const results = next.context.conversation.messages.find(({ role }) => role === "tool")
    expect(JSON.stringify(results)).toContain("may or may not have taken effect")
  })

  it.each([{ readOnly: true }, { idempotent: true }])(
    "executes a started call again if it is %o",
    async (hint) => {
      let calls = 0
      const execute = () =>
        ++calls === 1 ? new Promise<never>(() => {}) : ({ type: "json", value: calls } as const)
      const next = await untilTool(createAnyTool("t", execute, hint))
      await runLoop(next.context)
      expect(calls).toBe(2)
      expect(types(next.events)).not.toContain("toolCallInterrupted")
    },
  )

  it("continues with a call that was requested and not started", async () => {
    const usage = { inputTokens: 1, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
    const run = createMemoryRun(scriptedProvider([[say("Done"), { type: "end", usage }]]), {
      tools: [createAnyTool("t", () => ({ type: "json", value: 1 }))],
    })
    const part = { type: "toolCall", toolCallId: "call_9", name: "t", input: {} } as const
    run.recall(
      { type: "stepStarted", stepId: "step_9", messageId: "msg_9", step: 1 },
      {
        type: "messageCompleted",
        stepId: "step_9",
        messageId: "msg_9",
        message: { role: "assistant", content: [part] },
        model: "model",
        usage,
        cost: 0,
        charged: 0,
        estimated: false,
        stopReason: "toolCalls",
        streamedFrom: null,
      },
      {
        type: "toolCallRequested",
        stepId: "step_9",
        toolCallId: "call_9",
        name: "t",
        input: {},
        callIndex: 0,
        executionLocation: "backend",
      },
    )
    await runLoop(run.context)
    expect(types(run.events).slice(4)).toEqual([
      "toolCallStarted",
      "toolCallCompleted",
      "stepCompleted",
      "stepStarted",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
    expect(run.events.at(-1)).toMatchObject({ usage: { inputTokens: 2, outputTokens: 2 } })
  })
})
