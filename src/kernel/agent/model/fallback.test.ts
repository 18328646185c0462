import { describe, expect, it, vi } from "vitest"
import type { ModelChoice, Provider } from "../../../core/ports/model/provider.ts"
import { type ScriptedStep, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { planNextAttempt } from "./model-attempt.ts"

const say = (text: string) => ({ type: "text", text }) as const
const forever = { type: "wait", until: new Promise<void>(() => {}) } as const
const overloaded = { type: "failure", code: "overloaded", retryable: true, retryAfterMs: 1 } as const
const choice = (provider: Provider, model: string): ModelChoice => ({ provider, model })

function runWith(
  first: Parameters<typeof scriptedProvider>[0],
  second: Parameters<typeof scriptedProvider>[0],
) {
  const [primary, fallback] = [scriptedProvider(first), scriptedProvider(second)]
  const models = [choice(primary, "first"), choice(fallback, "second")] as const
  return { primary, fallback, run: createMemoryRun(primary, { models, maxRetries: 1 }) }
}

describe("fallback", () => {
  it("takes over after the retries of the former model, and no text appears twice", async () => {
    const { run, primary, fallback } = runWith(() => [say("Hal"), overloaded], [[say("Hello")]])
    await runLoop(run.context)
    expect(primary.requests).toHaveLength(2)
    expect(fallback.requests).toMatchObject([{ model: "second" }])
    expect(run.events.filter(({ type }) => type === "stepRetried")).toMatchObject([
      { attempt: 2, modelIndex: 0, error: { code: "overloaded" } },
      { attempt: 3, modelIndex: 1, error: { code: "overloaded" } },
    ])
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
    expect(run.context.conversation.messages.at(-1)).toMatchObject({ content: [{ text: "Hello" }] })
  })

  it("stays for the rest of the run, also after a crash", async () => {
    const { run, primary, fallback } = runWith(() => [overloaded], [[say("Let me"), forever], [say("Done")]])
    void runLoop(run.context)
    await vi.waitFor(() => expect(run.deltas).toHaveLength(1))
    const next = run.restart()
    await runLoop(next.context)
    expect(primary.requests).toHaveLength(2)
    expect(fallback.requests).toHaveLength(2)
    expect(next.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it.each(["authentication_failed", "invalid_request", "content_filtered", "context_too_long"])(
    "does not take over after an error that every model would have: %s",
    async (code) => {
      const { run, fallback } = runWith([[{ type: "failure", code }]], [[say("Hello")]])
      await runLoop(run.context)
      expect(fallback.requests).toHaveLength(0)
      expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code })
    },
  )

  it("takes over at once if the provider says that a retry is useless", async () => {
    const { run, primary } = runWith(
      [[{ type: "failure", code: "overloaded", retryable: false }]],
      [[say("Hello")]],
    )
    await runLoop(run.context)
    expect(primary.requests).toHaveLength(1)
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted" })
  })

  it("takes over at once if the provider asks for a very long wait", async () => {
    const wait = { type: "failure", code: "rate_limited", retryable: true, retryAfterMs: 600_000 } as const
    const { run, primary } = runWith([[wait]], [[say("Hello")]])
    await runLoop(run.context)
    expect(primary.requests).toHaveLength(1)
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted" })
  })

  it("ends the run with the last model's code when no model is left", async () => {
    const { run } = runWith(
      () => [overloaded],
      () => [{ ...overloaded, code: "upstream_failed" }],
    )
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "upstream_failed" })
  })
})

describe("a stream that stalls", () => {
  const quick = { stallTimeoutSeconds: 0.02, maxRetries: 1 }

  it("is aborted, discarded, and called again", async () => {
    const run = createMemoryRun(scriptedProvider([[say("Hal"), forever], [say("Hello")]]), quick)
    await runLoop(run.context)
    expect(run.events.find(({ type }) => type === "stepRetried")).toMatchObject({
      attempt: 2,
      error: { code: "upstream_stalled" },
    })
    expect(run.context.conversation.messages.at(-1)).toMatchObject({ content: [{ text: "Hello" }] })
  })

  it("ends the run when it stalls every time", async () => {
    const run = createMemoryRun(
      scriptedProvider(() => [say("Hal"), forever]),
      { ...quick, maxRetries: 0 },
    )
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "upstream_stalled" })
  })
})

it("a response far past its token limit is truncated", async () => {
  const flood: readonly ScriptedStep[] = Array.from({ length: 10 }, () => say("x".repeat(1_000)))
  const run = createMemoryRun(scriptedProvider([flood]), { maxTokens: 10 })
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "answer_too_long" })
})

it("a run whose end was refused because of a cancel keeps the response", async () => {
  const run = createMemoryRun(scriptedProvider([[say("All of it")]]), {
    tools: [createAnyTool("t", () => neverCalled())],
  })
  run.refuseTerminal()
  await expect(runLoop(run.context)).rejects.toThrow("cancelled")
  expect(run.events.map(({ type }) => type).slice(-2)).toEqual(["messageCompleted", "stepCompleted"])
})

it("a call that is truncated before its first argument is not executed without arguments", async () => {
  const provider = scriptedProvider([
    [
      { type: "toolCall", name: "erase" },
      { type: "end", stopReason: "maxTokens" },
    ],
    [say("I give up")],
  ])
  const run = createMemoryRun(provider, { tools: [createAnyTool("erase", () => neverCalled())] })
  await runLoop(run.context)
  expect(run.events.find(({ type }) => type === "toolCallCompleted")).toMatchObject({
    result: { type: "error", code: "invalid_input" },
  })
})

function neverCalled(): never {
  throw new Error("It is not called.")
}

it("a provider that asks for an immediate retry gets the usual delay", () => {
  const run = createMemoryRun(scriptedProvider([]))
  const step = { type: "stepStarted", stepId: "step_1", messageId: "msg_1", step: 1 } as const
  const attempt = { step, number: 1, modelIndex: 0, retries: 0, pauseMs: 0 }
  const failure = { type: "error", code: "overloaded", message: "", retryable: true } as const
  const pauseAfter = (retryAfterMs: number) =>
    planNextAttempt(attempt, { ...failure, retryAfterMs }, run.context.runtime)?.pauseMs
  expect(pauseAfter(0)).toBeGreaterThanOrEqual(250)
  expect(pauseAfter(20)).toBe(20)
})
