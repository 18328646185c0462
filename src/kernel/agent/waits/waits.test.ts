import { describe, expect, it, vi } from "vitest"
import type { Gate, GatedCall, Verdict } from "../../../core/ports/tools/gate.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { ApprovalDecision } from "../../../core/wait.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { settleCancelled } from "../settle-cancelled.ts"

const call = (name: string, input = {}) => ({ type: "toolCall", name, input }) as const
const done = [{ type: "text", text: "Done" }] as const
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)

const ask: Verdict = { action: "ask", qualifier: "q", code: null, reason: "It costs money.", decisions: [] }
const execute: Verdict = { ...ask, action: "execute", reason: null }
const deny: Verdict = { ...ask, action: "deny", code: "forbidden", reason: "Never this." }
const gateOf = (decide: (call: GatedCall) => Verdict): Gate => ({ decide: async (gated) => decide(gated) })
const asking = gateOf(({ approved }) => (approved ? execute : ask))

function approval(toolCallId: string, approved: boolean, options: Partial<ApprovalDecision> = {}) {
  const answer = { approved, editedInput: null, reason: null, grant: false, ...options }
  return { kind: "approval", toolCallId, answer } as const
}

/** Returns a run whose model makes these calls and then responds. */
function runWith(
  calls: readonly ReturnType<typeof call>[],
  options: Parameters<typeof createMemoryRun>[1],
): MemoryRun {
  const provider = scriptedProvider((request) => (request.messages.at(-1)?.role === "tool" ? done : calls))
  return createMemoryRun(provider, { gate: asking, ...options })
}

const resultsOf = (run: MemoryRun) => run.events.filter((event) => event.type === "toolCallCompleted")

describe("a call that a person must allow", () => {
  it("opens a durable wait, and does not run until it is answered", async () => {
    const tool = vi.fn(() => ({ type: "json", value: 1 }) as const)
    const run = runWith([call("pay", { amount: 9 })], { tools: [createAnyTool("pay", tool)] })
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(types(run.events).slice(-2)).toEqual(["toolCallRequested", "waitOpened"])
    expect(run.events.at(-1)).toMatchObject({
      kind: "approval",
      toolName: "pay",
      payload: { input: { amount: 9 }, qualifier: "q", reason: "It costs money." },
      expiresAt: 60_000,
    })
    expect(run.waits).toMatchObject([
      { kind: "approval", answerSchema: { type: "object" }, nonce: "nonce_4" },
    ])
    expect(tool).not.toHaveBeenCalled()
  })

  it("runs once when it is allowed, even in a process that knows it only from the log", async () => {
    const tool = vi.fn(() => ({ type: "json", value: 1 }) as const)
    const first = runWith([call("pay")], { tools: [createAnyTool("pay", tool)] })
    await runLoop(first.context)
    const run = first.restart()
    run.answer(approval("call_3", true))
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(tool).toHaveBeenCalledOnce()
    expect(types(run.events)).toContain("waitResolved")
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("is not run when it is denied, and the model receives the reason", async () => {
    const tool = vi.fn()
    const run = runWith([call("pay")], { tools: [createAnyTool("pay", tool)] })
    run.answer(approval("call_3", false, { reason: "too expensive" }))
    await runLoop(run.context)
    expect(tool).not.toHaveBeenCalled()
    expect(resultsOf(run)).toMatchObject([
      { result: { type: "error", code: "denied", message: "This call was denied: too expensive" } },
    ])
  })

  it("is denied when its approval expires", async () => {
    const run = runWith([call("pay")], { tools: [createAnyTool("pay", () => ({ type: "json", value: 1 }))] })
    await runLoop(run.context)
    run.clock.now = 60_000
    await runLoop(run.context)
    expect(run.events).toContainEqual(
      expect.objectContaining({
        type: "waitResolved",
        kind: "approval",
        resolution: { approved: false, editedInput: null, reason: null },
        decidedBy: null,
      }),
    )
    expect(resultsOf(run)).toMatchObject([{ result: { code: "approval_expired" } }])
  })

  it("accepts an answer that arrived just before its wait expired", async () => {
    const run = runWith([call("pay")], { tools: [createAnyTool("pay", () => ({ type: "json", value: 1 }))] })
    await runLoop(run.context)
    run.clock.now = 60_000
    const take = vi.spyOn(run.context.answers, "take").mockReturnValueOnce(null)
    run.answer(approval("call_3", true))
    await runLoop(run.context)
    expect(take).toHaveBeenCalled()
    expect(resultsOf(run)).toMatchObject([{ result: { type: "json", value: 1 } }])
  })

  it("runs with the arguments that the person edited, and the model receives those", async () => {
    const inputs: unknown[] = []
    const gated: GatedCall[] = []
    const gate = gateOf((asked) => {
      gated.push(asked)
      return asked.approved ? execute : ask
    })
    const tool = createAnyTool("pay", (input) => {
      inputs.push(input)
      return { type: "json", value: 1 }
    })
    const run = runWith([call("pay", { amount: 900 })], { tools: [tool], gate })
    run.answer(approval("call_3", true, { editedInput: { amount: 9 } }))
    await runLoop(run.context)
    expect(inputs).toEqual([{ amount: 9 }])
    expect(gated.map(({ input, approved }) => [input, approved])).toEqual([
      [{ amount: 900 }, false],
      [{ amount: 9 }, true],
    ])
    const asked = run.context.conversation.messages.find(({ role }) => role === "assistant")
    expect(asked).toMatchObject({ content: [{ type: "toolCall", input: { amount: 9 } }] })
  })

  it.each([
    [
      "validation",
      {
        validate: async (input: object) =>
          "bad" in input ? { valid: false, message: "/bad: no" } : { valid: true, input },
      },
      "invalid_input",
    ],
    ["an interceptor", {}, "forbidden"],
  ])("is not run with edited arguments that %s refuses", async (_, options, code) => {
    const tool = vi.fn()
    const gate = gateOf(({ input, approved }) => ("bad" in input ? deny : approved ? execute : ask))
    const run = runWith([call("pay")], { tools: [createAnyTool("pay", tool, options as never)], gate })
    run.answer(approval("call_3", true, { editedInput: { bad: true } }))
    await runLoop(run.context)
    expect(tool).not.toHaveBeenCalled()
    expect(resultsOf(run)).toMatchObject([{ result: { type: "error", code } }])
  })
})

describe("several calls of one message", () => {
  const pay = createAnyTool("pay", (input) => ({ type: "json", value: input }))

  it("are answered in any order, and each answer takes effect at once", async () => {
    const run = runWith([call("pay", { n: 1 }), call("pay", { n: 2 }), call("pay", { n: 3 })], {
      tools: [pay],
    })
    await runLoop(run.context)
    expect(run.waits).toHaveLength(3)
    run.answer(approval("call_4", true))
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(resultsOf(run)).toMatchObject([{ toolCallId: "call_4", result: { value: { n: 2 } } }])
    run.answer(approval("call_3", false))
    run.answer(approval("call_5", true))
    await expect(runLoop(run.context)).resolves.toBeNull()
    const results = run.context.conversation.messages.find(({ role }) => role === "tool")
    expect(results).toMatchObject({
      results: [
        { result: { code: "denied" } },
        { result: { value: { n: 2 } } },
        { result: { value: { n: 3 } } },
      ],
    })
  })

  it("do not wait for each other: an approved one runs while another still executes", async () => {
    const gate = Promise.withResolvers<void>()
    const slow = createAnyTool("slow", async () => {
      await gate.promise
      return { type: "json", value: "slow" }
    })
    const decide = gateOf(({ tool, approved }) => (tool.name === "slow" || approved ? execute : ask))
    const run = runWith([call("slow"), call("pay")], { tools: [slow, pay], gate: decide })
    const running = runLoop(run.context)
    await vi.waitFor(() => expect(run.waits).toHaveLength(1))
    run.answer(approval("call_4", true))
    await vi.waitFor(() => expect(resultsOf(run)).toMatchObject([{ name: "pay" }]))
    gate.resolve()
    await expect(running).resolves.toBeNull()
  })

  it("do not start next to a sequential call, and a waiting answer does not block the process", async () => {
    const gate = Promise.withResolvers<void>()
    const alone = createAnyTool(
      "alone",
      async () => {
        await gate.promise
        return { type: "json", value: "alone" }
      },
      { sequential: true },
    )
    const decide = gateOf(({ tool, approved }) => (tool.name === "alone" || approved ? execute : ask))
    const run = runWith([call("pay"), call("alone")], { tools: [pay, alone], gate: decide })
    const running = runLoop(run.context)
    await vi.waitFor(() => expect(types(run.events)).toContain("toolCallStarted"))
    run.answer(approval("call_3", true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(resultsOf(run)).toEqual([])
    gate.resolve()
    await expect(running).resolves.toBeNull()
    expect(resultsOf(run).map(({ name }) => name)).toEqual(["alone", "pay"])
  })

  it("expire while another call still executes", async () => {
    const gate = Promise.withResolvers<void>()
    const slow = createAnyTool("slow", async () => {
      await gate.promise
      return { type: "json", value: "slow" }
    })
    const decide = gateOf(({ tool }) => (tool.name === "slow" ? execute : ask))
    const run = runWith([call("slow"), call("pay")], {
      tools: [slow, pay],
      gate: decide,
      approvalTimeoutSeconds: 0.005,
    })
    vi.spyOn(run.context.clock, "now").mockImplementation(() => performance.now())
    const running = runLoop(run.context)
    const expired = [{ result: { code: "approval_expired" } }]
    await vi.waitFor(() => expect(resultsOf(run)).toMatchObject(expired))
    gate.resolve()
    await running
  })
})

describe("the gate", () => {
  it("denies with its own code, and its decisions are logged", async () => {
    const tool = vi.fn()
    const decision = { action: "deny", code: "forbidden", message: "Never this." } as const
    const gate = gateOf(() => ({
      ...deny,
      decisions: [{ action: "warn", code: null, message: "Hm." }, decision],
    }))
    const run = runWith([call("pay")], { tools: [createAnyTool("pay", tool)], gate })
    await runLoop(run.context)
    expect(tool).not.toHaveBeenCalled()
    expect(run.events.filter(({ type }) => type === "interceptorDecided")).toMatchObject([
      { action: "warn" },
      { action: "deny" },
    ])
    expect(resultsOf(run)).toMatchObject([{ result: { code: "forbidden", message: "Never this." } }])
  })

  it("gives its warnings to the model, with the result and a warning of the tool", async () => {
    const warning = { action: "warn", code: null, message: "Large sum." } as const
    const gate = gateOf(() => ({ ...execute, decisions: [warning, { ...warning, message: "Late." }] }))
    const pay = createAnyTool("pay", () => ({ type: "json", value: 1, warning: "Slow." }))
    const run = runWith([call("pay")], { tools: [pay], gate })
    await runLoop(run.context)
    expect(resultsOf(run)).toMatchObject([
      { result: { value: 1, warning: "Policy warning: Large sum. | Policy warning: Late. | Slow." } },
    ])
  })

  it("is not called for invalid input", async () => {
    const decide = vi.fn(() => execute)
    const picky = createAnyTool("pay", () => ({ type: "json", value: 1 }), {
      validate: async () => ({ valid: false, message: "no" }),
    })
    await runLoop(runWith([call("pay")], { tools: [picky], gate: gateOf(decide) }).context)
    expect(decide).not.toHaveBeenCalled()
  })
})

describe("a client tool", () => {
  const where = createAnyTool("where", () => Promise.reject(new Error("executed here")), {
    executionLocation: "client",
  })
  const open = gateOf(() => execute)
  const withDefault: Tool["validate"] = async (input) => ({ valid: true, input: { unit: "km", ...input } })

  it("is sent to the client with a nonce, and its result goes to the model", async () => {
    const run = runWith([call("where")], { tools: [where], gate: open })
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(run.events.slice(-2)).toMatchObject([
      { type: "toolCallRequested", executionLocation: "client" },
      {
        type: "waitOpened",
        kind: "clientTool",
        toolName: "where",
        payload: { input: {}, callIndex: 0 },
        nonce: "nonce_4",
      },
    ])
    expect(run.waits).toMatchObject([{ kind: "clientTool", nonce: "nonce_4" }])
    run.answer({
      kind: "clientTool",
      toolCallId: "call_3",
      answer: { result: { type: "json", value: "Paris" } },
    })
    await runLoop(run.context)
    expect(resultsOf(run)).toMatchObject([{ executionLocation: "client", result: { value: "Paris" } }])
  })

  it("receives the validated input, and the log keeps the model's", async () => {
    const asking = { ...where, validate: withDefault }
    const run = runWith([call("where")], { tools: [asking], gate: open })
    await runLoop(run.context)
    expect(run.events.slice(-2)).toMatchObject([
      { type: "toolCallRequested", input: {} },
      { type: "waitOpened", payload: { input: { unit: "km" } } },
    ])
    expect(run.waits).toMatchObject([{ payload: { input: { unit: "km" } } }])
  })

  it("receives edited input after its validation", async () => {
    const run = runWith([call("where")], { tools: [{ ...where, validate: withDefault }] })
    await runLoop(run.context)
    expect(run.waits).toMatchObject([{ kind: "approval", payload: { input: {} } }])
    run.answer(approval("call_3", true, { editedInput: { city: "Paris" } }))
    await runLoop(run.context)
    expect(run.waits[1]).toMatchObject({ payload: { input: { city: "Paris", unit: "km" } } })
  })

  it("receives the model's input if JSON cannot represent the validated input", async () => {
    const validate = async () => ({ valid: true, input: { at: new Map() } }) as const
    const run = runWith([call("where")], { tools: [{ ...where, validate }], gate: open })
    await runLoop(run.context)
    expect(run.waits).toMatchObject([{ payload: { input: {} } }])
  })

  it("ends in an error for the model when the client does not answer in time", async () => {
    const run = runWith([call("where")], { tools: [where], gate: open })
    await runLoop(run.context)
    run.clock.now = 60_000
    await runLoop(run.context)
    expect(resultsOf(run)).toMatchObject([{ result: { type: "error", code: "client_timeout" } }])
  })

  it("may need a person's approval first", async () => {
    const run = runWith([call("where")], { tools: [where] })
    await runLoop(run.context)
    run.answer(approval("call_3", true))
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(run.waits.map(({ kind }) => kind)).toEqual(["approval", "clientTool"])
  })
})

describe("cancelling while a run waits", () => {
  it("reports which calls were not executed, and which the client may have executed", async () => {
    const where = createAnyTool("where", () => Promise.reject(new Error()), { executionLocation: "client" })
    const pay = createAnyTool("pay", () => ({ type: "json", value: 1 }))
    const gate = gateOf(({ tool }) => (tool.name === "where" ? execute : ask))
    const run = runWith([call("pay"), call("where")], { tools: [pay, where], gate })
    await runLoop(run.context)
    run.cancel()
    await settleCancelled(run.context)
    expect(run.events.filter(({ type }) => type === "toolCallInterrupted")).toMatchObject([
      { name: "pay", outcome: "not_started" },
      { name: "where", outcome: "unknown" },
    ])
  })
})
