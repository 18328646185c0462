import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import type { ModelEvent, Provider } from "../../core/ports/model/provider.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"

const stepTimeoutSeconds = 1
const overdue = { type: "runFailed", code: "step_timeout", message: expect.stringContaining("1 seconds") }

function toolOf(execute: Tool["execute"]): Tool {
  return {
    name: "work",
    description: "Works.",
    inputSchema: { type: "object" },
    validate: async (input) => ({ valid: true, input }),
    execute,
  }
}

/** Returns a model that calls the tool this many times, one call in each turn, and then responds. */
function calling(times: number): Provider {
  return scriptedProvider(({ messages }) => {
    const calls = messages.filter(({ role }) => role === "assistant").length
    return calls < times ? [{ type: "toolCall", name: "work", input: {} }] : [{ type: "text", text: "Done." }]
  })
}

function streaming(play: () => AsyncGenerator<ModelEvent, void, undefined>): Provider {
  return { name: "played", defaultModel: "m", stream: play }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Advances the clock until the run has ended or only waits. */
async function finish(run: ReturnType<typeof createMemoryRun>): Promise<number | null> {
  const ended = runLoop(run.context)
  ended.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(20_000)
  return ended
}

describe("a turn that takes too long ends its run", () => {
  it("during the model call, whose text is discarded", async () => {
    const run = createMemoryRun(
      streaming(async function* () {
        yield { type: "textDelta", part: 0, text: "Hel" }
        await new Promise(() => {})
      }),
      { stepTimeoutSeconds },
    )
    expect(await finish(run)).toBeNull()
    expect(run.events.slice(-2)).toMatchObject([{ type: "modelCallFailed", code: "step_timeout" }, overdue])
  })

  it("during the pause before a retry", async () => {
    const failure = { type: "error", code: "overloaded", message: "Later.", retryable: true } as const
    const run = createMemoryRun(
      streaming(async function* () {
        yield { ...failure, retryAfterMs: 30_000 }
      }),
      { stepTimeoutSeconds },
    )
    expect(await finish(run)).toBeNull()
    expect(run.events.slice(-2)).toMatchObject([{ type: "modelCallFailed", code: "not_sent" }, overdue])
  })

  it("during a tool call, whose signal is aborted", async () => {
    let signal: AbortSignal | null = null
    const tools = [
      toolOf((_input, context) => {
        signal = context.signal
        return new Promise(() => {})
      }),
    ]
    const run = createMemoryRun(calling(1), { stepTimeoutSeconds, tools })
    expect(await finish(run)).toBeNull()
    expect(signal).toMatchObject({ aborted: true })
    expect(run.events.slice(-3)).toMatchObject([
      { type: "toolCallInterrupted", name: "work", reason: "cancelled", outcome: "unknown" },
      { type: "stepCompleted" },
      overdue,
    ])
  })
})

describe("a turn has time", () => {
  const slow = (ms: number) =>
    toolOf(async () => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return { type: "json", value: "done" }
    })

  it("that starts again with each turn", async () => {
    const run = createMemoryRun(calling(4), { stepTimeoutSeconds, tools: [slow(700)] })
    expect(await finish(run)).toBeNull()
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("that does not pass while a tool asks the user", async () => {
    const tools = [
      toolOf(async (_input, context) => {
        const answer = await context.ask({ mode: "form", message: "Go on?", schema: { type: "object" } })
        return { type: "json", value: answer.action }
      }),
    ]
    const run = createMemoryRun(calling(1), { stepTimeoutSeconds, tools, toolTimeoutMs: 1_000 })
    const ended = runLoop(run.context)
    await vi.advanceTimersByTimeAsync(10_000)
    const [wait] = run.waits
    if (wait === undefined) throw new Error("The tool asked nothing.")
    const resolution = { action: "accept", content: {} } as const
    run.answer({ kind: "elicitation", toolCallId: wait.toolCallId, answer: resolution })
    await vi.advanceTimersByTimeAsync(10)
    expect(await ended).toBeNull()
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("that does not pass while the run waits", async () => {
    const tools = [
      toolOf(async (_input, { answered }) =>
        answered === null
          ? { type: "wait", kind: "timer", until: 60_000, continuation: {} }
          : { type: "json", value: "done" },
      ),
    ]
    const run = createMemoryRun(calling(1), { stepTimeoutSeconds, tools })
    expect(await finish(run)).toBe(60_000)
    run.clock.now = 60_000
    expect(await finish(run)).toBeNull()
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("without an end if the agent sets no limit", async () => {
    const run = createMemoryRun(calling(1), { tools: [slow(9_000)] })
    expect(await finish(run)).toBeNull()
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted" })
  })
})

describe("a run that is stopped for another reason", () => {
  const hanging = [toolOf(() => new Promise(() => {}))]

  it("stays open if the process stops", async () => {
    const run = createMemoryRun(calling(1), { stepTimeoutSeconds, tools: hanging })
    const ended = runLoop(run.context)
    await vi.advanceTimersByTimeAsync(500)
    run.stop()
    await expect(ended).rejects.toMatchObject({ code: "shutting_down" })
    expect(run.events.at(-1)).toMatchObject({ type: "toolCallStarted" })
  })

  it("ends as canceled if a cancel came before the timeout was logged", async () => {
    const run = createMemoryRun(calling(1), { stepTimeoutSeconds, tools: hanging })
    run.refuseTerminal()
    await expect(finish(run)).rejects.toMatchObject({ code: "cancelled" })
  })
})

it("the next process gives a turn its full time again after a kill", async () => {
  vi.useRealTimers()
  let calls = 0
  const tools = [
    {
      ...toolOf(async () => {
        calls += 1
        if (calls === 1) await new Promise(() => {})
        return { type: "json", value: "done" }
      }),
      readOnly: true,
    },
  ]
  const run = createMemoryRun(calling(1), { stepTimeoutSeconds: 600, tools })
  void runLoop(run.context).catch(() => undefined)
  while (calls === 0) await sleep(1)
  const next = run.restart()
  expect(await runLoop(next.context)).toBeNull()
  expect(next.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
})
