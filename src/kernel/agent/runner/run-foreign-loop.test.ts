import { describe, expect, it, vi } from "vitest"
import type { EndedAttempt } from "../../../core/ports/observer.ts"
import type { Runner, RunnerEvent, RunnerRequest } from "../../../core/runs/runner.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import type { RunnerRuntime } from "../agent-runtime.ts"
import { createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import type { RunnerRunContext } from "../run-context.ts"
import { runForeignLoop } from "./run-foreign-loop.ts"

type Script = (request: RunnerRequest) => readonly RunnerEvent[]

/** Returns a runner that plays one script for each request, and records the requests. */
function scripted(...scripts: readonly Script[]) {
  const requests: RunnerRequest[] = []
  const runner: Runner = async function* (request) {
    requests.push(request)
    yield* scripts[requests.length - 1]?.(request) ?? []
  }
  return { runner, requests }
}

function contextOf(run: MemoryRun, runner: Runner, options: Partial<RunnerRuntime> = {}): RunnerRunContext {
  const runtime: RunnerRuntime = {
    type: "runner",
    listTools: async (own) => own,
    runner,
    resumes: false,
    pricing: { cost: ({ usage }) => usage.inputTokens },
    approvalTimeoutSeconds: 60,
    approvalsBy: "client",
    checkSchema: async (_schema, input) => ({ valid: true, input }),
    isGranted: async () => false,
    revision: "1",
    observer: null,
    follow: () => {},
    ...options,
  }
  return { ...run.context, runtime }
}

const newRun = () => createMemoryRun(scriptedProvider([]))
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)
const pay = (id: string, input = {}): RunnerEvent => {
  const approval = { reason: "It costs money.", qualifier: "q", inputSchema: { required: ["amount"] } }
  return { type: "toolCall", id, name: "pay", input, approval }
}
const paid = (id: string): RunnerEvent => ({ type: "toolResult", id, result: { type: "json", value: id } })
const say = (text: string): RunnerEvent => ({ type: "text", text })
const usage = (inputTokens: number): RunnerEvent => {
  const rest = { outputTokens: 0, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
  return { type: "usage", usage: { inputTokens, ...rest }, model: "m" }
}
const idOf = (run: MemoryRun, runnerCallId: string) => {
  const requested = run.events.findLast(
    (event) => event.type === "toolCallRequested" && event.runnerCallId === runnerCallId,
  )
  return requested?.type === "toolCallRequested" ? requested.toolCallId : ""
}
function answer(run: MemoryRun, runnerCallId: string, options: object = {}): void {
  const toolCallId = idOf(run, runnerCallId)
  const plain = { approved: true, editedInput: null, reason: null, grant: false }
  run.answer({ kind: "approval", toolCallId, answer: { ...plain, ...options } })
}

describe("a call of a runner that a person must allow", () => {
  it("opens all its waits in one commit once the runner returns, and parks the run", async () => {
    const { runner } = scripted(() => [say("I pay."), pay("x", { amount: 9 }), usage(3)])
    const run = newRun()
    const append = vi.spyOn(run.context.journal, "append")
    await expect(runForeignLoop(contextOf(run, runner), { resumed: false })).resolves.toBe(60_000)
    expect(types(append.mock.lastCall?.[0] ?? [])).toEqual([
      "messageCompleted",
      "toolCallRequested",
      "waitOpened",
    ])
    expect(run.events.at(-3)).toMatchObject({ usage: { inputTokens: 3 }, cost: 3, estimated: false })
    expect(run.waits).toMatchObject([
      {
        kind: "approval",
        toolName: "pay",
        payload: { input: { amount: 9 }, qualifier: "q", reason: "It costs money." },
        answerSchema: { required: ["amount"] },
        expiresAt: 60_000,
      },
    ])
  })

  it("reaches the runner as a decision, with its state, in the same process", async () => {
    const { runner, requests } = scripted(
      () => [{ type: "state", state: { at: 1 } }, pay("x", { amount: 9 })],
      () => [paid("x"), say("Done.")],
    )
    const run = newRun()
    const context = contextOf(run, runner)
    await runForeignLoop(context, { resumed: false })
    answer(run, "x", { editedInput: { amount: 1 } })
    await expect(runForeignLoop(context, { resumed: true })).resolves.toBeNull()
    expect(requests[1]).toMatchObject({
      reason: "resume",
      state: { at: 1 },
      decisions: [{ id: "x", approved: true, editedInput: { amount: 1 }, reason: null }],
    })
    expect(types(run.events).slice(-8)).toEqual([
      "waitResolved",
      "toolCallStarted",
      "toolCallCompleted",
      "stepCompleted",
      "stepStarted",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
  })

  it("is known from the log alone, even for a runner that cannot survive a crash", async () => {
    const first = newRun()
    await runForeignLoop(contextOf(first, scripted(() => [pay("x")]).runner), { resumed: false })
    const run = first.restart()
    const { runner, requests } = scripted(() => [paid("x")])
    answer(run, "x")
    await runForeignLoop(contextOf(run, runner), { resumed: true })
    expect(requests).toMatchObject([{ reason: "resume", decisions: [{ id: "x", approved: true }] }])
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("stays denied, and a result that the runner still reports is ignored", async () => {
    const { runner, requests } = scripted(
      () => [pay("x")],
      () => [say("Hm."), paid("x")],
    )
    const run = newRun()
    const context = contextOf(run, runner)
    await runForeignLoop(context, { resumed: false })
    answer(run, "x", { approved: false, reason: "too expensive" })
    await runForeignLoop(context, { resumed: true })
    expect(requests[1]?.decisions).toEqual([
      { id: "x", approved: false, editedInput: null, reason: "too expensive" },
    ])
    expect(run.events.filter(({ type }) => type === "toolCallCompleted")).toMatchObject([
      { result: { type: "error", code: "denied", message: "This call was denied: too expensive" } },
    ])
    expect(types(run.events)).not.toContain("toolCallStarted")
  })

  it("is denied when its approval expires", async () => {
    const { runner, requests } = scripted(() => [pay("x")])
    const run = newRun()
    const context = contextOf(run, runner)
    await runForeignLoop(context, { resumed: false })
    run.clock.now = 60_000
    await expect(runForeignLoop(context, { resumed: true })).resolves.toBeNull()
    expect(requests[1]?.decisions).toMatchObject([{ id: "x", approved: false, reason: null }])
    expect(run.events).toContainEqual(
      expect.objectContaining({
        type: "toolCallCompleted",
        result: expect.objectContaining({ code: "approval_expired" }),
      }),
    )
  })

  it("waits for all other calls that need an approval, which may be answered in any order", async () => {
    const { runner, requests } = scripted(
      () => [pay("x"), pay("y"), pay("z")],
      () => [paid("z"), paid("x")],
    )
    let run = newRun()
    const context = contextOf(run, runner)
    await runForeignLoop(context, { resumed: false })
    answer(run, "z")
    await expect(runForeignLoop(context, { resumed: true })).resolves.toBe(60_000)
    run = run.restart()
    answer(run, "y", { approved: false })
    await runForeignLoop(contextOf(run, runner), { resumed: true })
    run = run.restart()
    expect(requests).toHaveLength(1)
    answer(run, "x")
    await expect(runForeignLoop(contextOf(run, runner), { resumed: true })).resolves.toBeNull()
    expect(requests[1]?.decisions.map(({ id, approved }) => [id, approved])).toEqual([
      ["x", true],
      ["y", false],
      ["z", true],
    ])
  })

  it("needs no approval when its type is granted", async () => {
    const isGranted = vi.fn(async () => true)
    const { runner, requests } = scripted(
      () => [pay("x")],
      () => [paid("x")],
    )
    const run = newRun()
    const context = contextOf(run, runner, { isGranted })
    await expect(runForeignLoop(context, { resumed: false })).resolves.toBeNull()
    const type = { toolName: "pay", qualifier: "q", origin: null }
    expect(isGranted).toHaveBeenCalledWith("sess_1", type, "client")
    expect(requests[1]).toMatchObject({ reason: "resume", decisions: [{ id: "x", approved: true }] })
    expect(run.waits).toEqual([])
    expect(run.events).toContainEqual(
      expect.objectContaining({
        type: "waitResolved",
        decidedBy: expect.objectContaining({ via: "grant" }),
      }),
    )
  })

  it("may be one that the runner had started, next to others that stay open", async () => {
    const begun = (id: string): RunnerEvent => ({ type: "toolCall", id, name: "pay", input: {} })
    const { runner } = scripted(
      () => [say("I pay."), begun("x"), begun("y"), pay("x")],
      () => [paid("y"), paid("x")],
    )
    const first = newRun()
    await expect(runForeignLoop(contextOf(first, runner), { resumed: false })).resolves.toBe(60_000)
    expect(first.waits).toMatchObject([{ toolCallId: idOf(first, "x") }])
    const run = first.restart()
    answer(run, "x")
    await runForeignLoop(contextOf(run, runner), { resumed: true })
    expect(run.context.conversation.messages).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "text" }, { type: "toolCall" }, { type: "toolCall" }] },
      { role: "tool", results: [{ result: { value: "x" } }, { result: { value: "y" } }] },
    ])
  })

  it("may need an approval repeatedly", async () => {
    const { runner } = scripted(
      () => [pay("x")],
      () => [paid("x"), pay("y")],
      () => [paid("y"), say("Done.")],
    )
    const run = newRun()
    const context = contextOf(run, runner)
    await runForeignLoop(context, { resumed: false })
    answer(run, "x")
    await expect(runForeignLoop(context, { resumed: true })).resolves.toBe(60_000)
    answer(run, "y")
    await expect(runForeignLoop(context, { resumed: true })).resolves.toBeNull()
    expect(run.context.conversation.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
      "tool",
      "assistant",
    ])
  })

  it("may not have a result before the decision", async () => {
    const { runner } = scripted(() => [pay("x"), paid("x")])
    const loop = runForeignLoop(contextOf(newRun(), runner), { resumed: false })
    await expect(loop).rejects.toThrow('The runner reported a result for "x", which is not an open call.')
  })
})

describe("a runner whose process stopped", () => {
  it("is interrupted and not parked after it has received the decisions", async () => {
    const first = newRun()
    const stuck: Runner = async function* ({ reason }) {
      yield reason === "new" ? pay("x") : say("I pay now.")
      if (reason === "resume") await new Promise(() => {})
    }
    const context = contextOf(first, stuck)
    await runForeignLoop(context, { resumed: false })
    answer(first, "x")
    const running = runForeignLoop(context, { resumed: true })
    running.catch(() => {})
    await vi.waitFor(() => expect(first.deltas).toHaveLength(1))
    const loop = runForeignLoop(contextOf(first.restart(), stuck), { resumed: true })
    await expect(loop).rejects.toMatchObject({ code: "runner_not_resumable" })
  })

  it("learns from the messages, if it can resume, that its calls have an unknown outcome", async () => {
    const first = newRun()
    const stuck: Runner = async function* () {
      yield { type: "toolCall", id: "x", name: "search", input: {} }
      await new Promise(() => {})
    }
    runForeignLoop(contextOf(first, stuck), { resumed: false }).catch(() => {})
    await vi.waitFor(() => expect(types(first.events)).toContain("toolCallStarted"))
    const run = first.restart()
    const { runner, requests } = scripted(() => [say("Again.")])
    await runForeignLoop(contextOf(run, runner, { resumes: true }), { resumed: true })
    expect(requests[0]).toMatchObject({ reason: "resume", decisions: [] })
    expect(requests[0]?.messages.at(-1)).toMatchObject({
      role: "tool",
      results: [{ result: { code: "interrupted" } }],
    })
  })
})

it("counts the usage that a runner reports at the price of its model, even after its last message", async () => {
  const cost = vi.fn(() => 0.5)
  const { runner } = scripted(() => [
    { type: "toolCall", id: "x", name: "search", input: {} },
    paid("x"),
    { ...usage(3), priceList: "openai" } as RunnerEvent,
  ])
  const run = newRun()
  await runForeignLoop(contextOf(run, runner, { pricing: { cost } }), { resumed: false })
  expect(cost).toHaveBeenCalledExactlyOnceWith({
    priceList: "openai",
    model: "m",
    usage: expect.objectContaining({ inputTokens: 3 }),
  })
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", usage: { inputTokens: 3 }, cost: 0.5 })
})

it("counts the cost of a response that a failure interrupted", async () => {
  const failing: Runner = async function* () {
    yield usage(3)
    yield { type: "toolCall", id: "x", name: "search", input: {} }
    yield usage(4)
    throw new Error("broken")
  }
  const run = newRun()
  await expect(runForeignLoop(contextOf(run, failing), { resumed: false })).rejects.toThrow("broken")
  expect(run.context.conversation.run?.spent).toMatchObject({ usage: { inputTokens: 7 }, cost: 7 })
})

it("counts the cost after calls that still wait when the run is parked, each time under its own id", async () => {
  const ids: string[] = []
  const begun: RunnerEvent = { type: "toolCall", id: "x", name: "pay", input: {} }
  const { runner } = scripted(
    () => [begun, usage(4), pay("x")],
    () => [usage(5), pay("x")],
  )
  const run = newRun()
  const observers = { onAttemptEnded: ({ id }: EndedAttempt) => void ids.push(id) }
  const context = { ...contextOf(run, runner), observers }
  await expect(runForeignLoop(context, { resumed: false })).resolves.toBe(60_000)
  expect(run.context.conversation.spent).toMatchObject({ usage: { inputTokens: 4 }, cost: 4 })
  answer(run, "x")
  await expect(runForeignLoop(context, { resumed: true })).resolves.toBe(60_000)
  expect(run.context.conversation.run?.spent).toMatchObject({ usage: { inputTokens: 9 }, cost: 9 })
  // One report of the message's usage, and one of each later usage.
  expect(new Set(ids).size).toBe(3)
})

const call = { type: "toolCall", id: "x", name: "pay", input: {} }
const result = (value: unknown) => ({ type: "toolResult", id: "x", result: value })

it.each([
  [null, "is not an object"],
  [{ type: "words" }, "unknown type"],
  [{ type: "text" }, "no text"],
  [{ type: "thinking", text: 42 }, "no text"],
  [{ ...call, id: 5 }, "no id or name"],
  [{ ...call, name: "" }, "no id or name"],
  [{ ...call, input: "{}" }, "input that is not an object"],
  [{ ...call, approval: null }, "approval that is not an object"],
  [{ ...call, approval: { reason: 5 } }, "reason or qualifier"],
  [{ ...call, approval: { inputSchema: "x" } }, "inputSchema"],
  [{ type: "toolResult", result: { type: "json", value: 1 } }, "no id"],
  [result("done"), "no valid result"],
  [result({ type: "json" }), "no valid result"],
  [result({ type: "content", content: [null] }), "no valid result"],
  [result({ type: "error" }), "no valid result"],
  [{ type: "usage", usage: { inputTokens: 1 } }, "no four counts"],
  [{ ...usage(Number.NaN) }, "no four counts"],
  [{ ...usage(1), model: 5 }, "model or priceList"],
])("fails without a trace in the log after event number %# that is invalid", async (event, problem) => {
  const { runner } = scripted(() => [event as RunnerEvent])
  const run = newRun()
  await expect(runForeignLoop(contextOf(run, runner), { resumed: false })).rejects.toThrow(problem)
  expect(types(run.events)).toEqual(["runStarted"])
})

it("refuses a state that is too large to be kept", async () => {
  const { runner } = scripted(() => [{ type: "state", state: "x".repeat(4_000_000) }])
  const loop = runForeignLoop(contextOf(newRun(), runner), { resumed: false })
  await expect(loop).rejects.toMatchObject({ code: "runner_state_too_large" })
})

it("gives a call without a result before later text no result, and ignores a later one", async () => {
  const { runner } = scripted(() => [
    { type: "toolCall", id: "x", name: "search", input: {} },
    say("Meanwhile."),
    paid("x"),
  ])
  const run = newRun()
  await runForeignLoop(contextOf(run, runner), { resumed: false })
  const results = run.events.filter(({ type }) => type === "toolCallCompleted")
  expect(results).toMatchObject([{ result: { code: "no_result" } }])
})
