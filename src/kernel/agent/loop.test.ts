import { describe, expect, it, vi } from "vitest"
import { OverloadedError } from "../../core/errors.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"

const say = (text: string) => ({ type: "text", text }) as const
const call = (name: string, input = {}) => ({ type: "toolCall", name, input }) as const
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)

describe("a run without tools", () => {
  it("logs the step, streams the text and ends once", async () => {
    const run = createMemoryRun(scriptedProvider([[say("Hel"), say("lo")]]))
    await runLoop(run.context)
    expect(types(run.events)).toEqual([
      "runStarted",
      "stepStarted",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
    expect(run.deltas.map((delta) => "text" in delta && delta.text)).toEqual(["Hel", "lo"])
    expect(run.events.at(-1)).toMatchObject({ disposition: "completed", reason: null })
  })

  it("sends the model the whole conversation so far", async () => {
    const provider = scriptedProvider([[say("Hello")]])
    const run = createMemoryRun(provider, { systemPrompt: [{ text: "Be brief." }] })
    await runLoop(run.context)
    expect(provider.requests[0]).toMatchObject({
      system: [{ text: "Be brief." }],
      messages: [{ role: "user", content: [{ type: "text", text: "Go." }] }],
    })
  })

  it.each([
    ["maxTokens", { type: "runCompleted", disposition: "interrupted", reason: "max_tokens" }],
    ["refusal", { type: "runFailed", code: "model_refused" }],
    ["contextFull", { type: "runFailed", code: "context_too_long" }],
  ] as const)("has the matching outcome when the model stops for %s", async (stopReason, terminal) => {
    const run = createMemoryRun(scriptedProvider([[say("Hello"), { type: "end", stopReason }]]))
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject(terminal)
  })

  it("calls the model again when it pauses", async () => {
    const provider = scriptedProvider([[say("One"), { type: "end", stopReason: "pause" }], [say("two")]])
    const run = createMemoryRun(provider)
    await runLoop(run.context)
    expect(provider.requests[1]?.messages.at(-1)).toMatchObject({
      role: "assistant",
      content: [{ text: "One" }],
    })
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("requests no results when the model stops for calls that it did not make", async () => {
    const run = createMemoryRun(scriptedProvider([[say("Hello"), { type: "end", stopReason: "toolCalls" }]]))
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })
})

describe("a run with tools", () => {
  it("logs the request, start and result of a call, and sends the model the result", async () => {
    const provider = scriptedProvider([[call("add", { a: 1 })], [say("Done")]])
    const run = createMemoryRun(provider, {
      tools: [createAnyTool("add", () => ({ type: "json", value: 3 }))],
    })
    await runLoop(run.context)
    expect(types(run.events).slice(2, 7)).toEqual([
      "messageCompleted",
      "toolCallRequested",
      "toolCallStarted",
      "toolCallCompleted",
      "stepCompleted",
    ])
    const [asked, answered] = provider.requests[1]?.messages.slice(-2) ?? []
    expect(asked).toMatchObject({ role: "assistant", content: [{ type: "toolCall", toolCallId: "call_3" }] })
    expect(answered).toEqual({
      role: "tool",
      results: [{ toolCallId: "call_3", result: { type: "json", value: 3 } }],
    })
  })

  it("executes the calls of one message concurrently and returns the results in the requested order", async () => {
    const first = Promise.withResolvers<void>()
    const provider = scriptedProvider([[call("slow"), call("fast")], [say("Done")]])
    const slow = createAnyTool("slow", async () => {
      await first.promise
      return { type: "json", value: "slow" }
    })
    const fast = createAnyTool("fast", () => {
      first.resolve()
      return { type: "json", value: "fast" }
    })
    const run = createMemoryRun(provider, { tools: [slow, fast] })
    await runLoop(run.context)
    const completed = run.events.filter((event) => event.type === "toolCallCompleted")
    expect(completed.map(({ name }) => name)).toEqual(["fast", "slow"])
    expect(provider.requests[1]?.messages.at(-1)).toMatchObject({
      results: [{ result: { value: "slow" } }, { result: { value: "fast" } }],
    })
  })

  it("runs a sequential tool alone", async () => {
    let running = 0
    const most = new Map<string, number>()
    const tool = (name: string, sequential: boolean) =>
      createAnyTool(
        name,
        async () => {
          running += 1
          most.set(name, running)
          await new Promise((resolve) => setImmediate(resolve))
          running -= 1
          return { type: "json", value: null }
        },
        { sequential },
      )
    const provider = scriptedProvider([[call("a"), call("b"), call("alone"), call("c")], [say("Done")]])
    const run = createMemoryRun(provider, {
      tools: [tool("a", false), tool("b", false), tool("alone", true), tool("c", false)],
    })
    await runLoop(run.context)
    expect(Object.fromEntries(most)).toEqual({ a: 1, b: 2, alone: 1, c: 1 })
  })

  it("never runs more than 16 calls at once", async () => {
    let running = 0
    let most = 0
    const tool = createAnyTool("t", async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return { type: "json", value: null }
    })
    const provider = scriptedProvider([Array.from({ length: 40 }, () => call("t")), [say("Done")]])
    await runLoop(createMemoryRun(provider, { tools: [tool] }).context)
    expect(most).toBe(16)
  })

  it.each([
    [
      "an unknown tool",
      call("nope"),
      { code: "unknown_tool", message: expect.stringContaining("The tools are: picky") },
    ],
    ["input that misfits", call("picky", {}), { code: "invalid_input", message: "/city: is missing" }],
    [
      "input that is no JSON",
      { ...call("picky"), malformedInput: '{"city": "Par' },
      { code: "invalid_input", message: expect.stringContaining("not a complete JSON object") },
    ],
    [
      "input that could not be checked because of other work",
      call("crowded"),
      { code: "overloaded", message: "The call did not run. Too many checks wait." },
    ],
    [
      "a validator that throws",
      call("strict"),
      { code: "invalid_input", message: "The input could not be validated: no date" },
    ],
    ["a tool that throws", call("thrower"), { code: "tool_failed", message: "No network" }],
    ["a tool that names its failure", call("namer"), { code: "quota", message: "Used up" }],
  ])("reports %s to the model", async (_, request, error) => {
    const picky = createAnyTool("picky", () => ({ type: "json", value: null }), {
      validate: async () => ({ valid: false, message: "/city: is missing" }),
    })
    const nothing = { type: "json", value: null } as const
    const crowded = createAnyTool("crowded", () => nothing, {
      validate: () => Promise.reject(new OverloadedError("Too many checks wait.")),
    })
    const strict = createAnyTool("strict", () => nothing, {
      validate: () => Promise.reject(new Error("no date")),
    })
    const thrower = createAnyTool("thrower", () => {
      throw new Error("No network")
    })
    const namer = createAnyTool("namer", () => {
      throw Object.assign(new Error("Used up"), { code: "quota" })
    })
    const provider = scriptedProvider([[request], [say("Sorry")]])
    const run = createMemoryRun(provider, { tools: [picky, crowded, strict, thrower, namer] })
    await runLoop(run.context)
    expect(provider.requests[1]?.messages.at(-1)).toMatchObject({
      results: [{ result: { type: "error", ...error } }],
    })
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("ends a tool past its time limit, aborts its signal, and continues", async () => {
    const stopped = vi.fn()
    const tool = createAnyTool(
      "stuck",
      (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", stopped)
        }),
      { timeoutMs: 5 },
    )
    const run = createMemoryRun(scriptedProvider([[call("stuck")], [say("Done")]]), { tools: [tool] })
    await runLoop(run.context)
    const completed = run.events.find((event) => event.type === "toolCallCompleted")
    expect(completed).toMatchObject({ result: { type: "error", code: "timeout" } })
    expect(stopped).toHaveBeenCalledOnce()
  })

  it("truncates a result that is too large", async () => {
    const tool = createAnyTool("big", () => ({ type: "json", value: "x".repeat(5_000) }))
    const run = createMemoryRun(scriptedProvider([[call("big")], [say("Done")]]), { tools: [tool] })
    await runLoop(run.context)
    const completed = run.events.find((event) => event.type === "toolCallCompleted")
    expect(JSON.stringify(completed).length).toBeLessThan(1_500)
    expect(JSON.stringify(completed)).toContain("1000 of 5002 bytes are shown")
  })

  it("shows live output during the call, and none after it", async () => {
    let late: (() => void) | undefined
    const tool = createAnyTool("noisy", (_, { emit }) => {
      emit("one")
      emit("two", "stderr")
      late = () => emit("three")
      return { type: "json", value: null }
    })
    const run = createMemoryRun(scriptedProvider([[call("noisy")], [say("Done")]]), { tools: [tool] })
    await runLoop(run.context)
    late?.()
    const output = run.deltas.filter((delta) => delta.type === "toolOutput")
    expect(output).toMatchObject([
      { text: "one", stream: "stdout", chunk: 0 },
      { text: "two", stream: "stderr", chunk: 1 },
    ])
  })

  it("gives every attempt at a call the same idempotency key", async () => {
    const keys: string[] = []
    const tool = createAnyTool(
      "pay",
      (_, { idempotencyKey }) => {
        keys.push(idempotencyKey)
        return { type: "json", value: null }
      },
      { idempotent: true },
    )
    const run = createMemoryRun(scriptedProvider([[call("pay")], [say("Done")]]), { tools: [tool] })
    await runLoop(run.context)
    expect(keys).toEqual(["call_3"])
  })

  it("stops at maxTurns and says so", async () => {
    const run = createMemoryRun(
      scriptedProvider(() => [call("again")]),
      {
        maxTurns: 2,
        tools: [createAnyTool("again", () => ({ type: "json", value: null }))],
      },
    )
    await runLoop(run.context)
    expect(run.events.slice(-2)).toMatchObject([
      { type: "maxTurnsReached", turnCount: 2, maxTurns: 2 },
      { type: "runCompleted", disposition: "interrupted", reason: "max_turns" },
    ])
  })
})
