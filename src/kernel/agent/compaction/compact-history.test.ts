import { expect, it } from "vitest"
import type { CompactionStep, HistoryCompaction } from "../../../core/ports/model/compaction.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { type ScriptedTurn, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { tool } from "../../tools/local-tool.ts"
import { createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const usage = { inputTokens: 10, outputTokens: 5, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const tooLong: ScriptedTurn = [{ type: "failure", code: "context_too_long" }]
const done: ScriptedTurn = [
  { type: "text", text: "Done." },
  { type: "end", usage },
]
const summary: ScriptedTurn = [
  { type: "text", text: "What happened." },
  { type: "end", usage },
]
const look: ScriptedTurn = [
  { type: "toolCall", name: "look" },
  { type: "end", usage },
]

const looking = tool({
  name: "look",
  description: "Looks.",
  inputSchema: { type: "object" },
  readOnly: true,
  execute: () => "seen ".repeat(200),
})

/** Returns a compaction that summarizes everything but the last call and its result if `when` returns true. */
function summarizing(
  when: (history: Parameters<HistoryCompaction["next"]>[0]) => boolean,
  provider: ReturnType<typeof scriptedProvider>,
): HistoryCompaction {
  return {
    async next(history): Promise<CompactionStep | null> {
      if (!when(history)) return null
      const choice = { provider, model: "model" }
      const message = { role: "user", content: [{ type: "text", text: "Summarize." }] } as const
      const request: ModelRequest = {
        model: "model",
        system: [],
        messages: [message],
        tools: [],
        maxTokens: 50,
      }
      const summaryOf = () => ({ text: "What happened.", latestMessage: null })
      return { type: "summarize", count: 1, choice, request, summaryOf }
    },
  }
}

function setUp(
  script: readonly ScriptedTurn[],
  when: (history: Parameters<HistoryCompaction["next"]>[0]) => boolean,
) {
  const provider = scriptedProvider(script)
  const cost = ({ usage: { inputTokens, outputTokens } }: { usage: typeof usage }) =>
    inputTokens + outputTokens
  const run = createMemoryRun(provider, {
    tools: [looking],
    compaction: summarizing(when, provider),
    pricing: { cost },
  })
  return { provider, run }
}

const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)

it("replaces the first messages by a summary before the next request, and counts its cost once", async () => {
  const { provider, run } = setUp([look, summary, done], ({ messages }) => messages.length >= 3)
  await runLoop(run.context)
  expect(types(run.events)).toEqual([
    "runStarted",
    "stepStarted",
    "messageCompleted",
    "toolCallRequested",
    "toolCallStarted",
    "toolCallCompleted",
    "stepCompleted",
    "compactionStarted",
    "historyCompacted",
    "stepStarted",
    "messageCompleted",
    "stepCompleted",
    "runCompleted",
  ])
  const [first, ...others] = provider.requests.at(-1)?.messages ?? []
  expect(JSON.stringify(first)).toContain("What happened.")
  expect(others.map(({ role }) => role)).toEqual(["assistant", "tool"])
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", cost: 45 })
  expect(run.events.findLast(({ type }) => type === "stepCompleted")).toMatchObject({ cost: 30 })
  expect(run.deltas.map(({ text }) => text)).toEqual(["Done."])
})

it("compacts once and retries once if the provider refuses the request as too long", async () => {
  const { run } = setUp([look, tooLong, summary, done], ({ isRefused }) => isRefused)
  await runLoop(run.context)
  expect(types(run.events).slice(7)).toEqual([
    "stepStarted",
    "modelCallFailed",
    "compactionStarted",
    "historyCompacted",
    "stepRetried",
    "messageCompleted",
    "stepCompleted",
    "runCompleted",
  ])
})

it("treats a response that ends with a full window like a refusal", async () => {
  const full: ScriptedTurn = [
    { type: "text", text: "Hal" },
    { type: "end", usage, stopReason: "contextFull" },
  ]
  const { run } = setUp([look, full, summary, done], ({ isRefused }) => isRefused)
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed", cost: 60 })
})

it("ends the run if the provider refuses the shorter request as too long as well", async () => {
  const { run } = setUp([look, tooLong, summary, tooLong], ({ isRefused }) => isRefused)
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "context_too_long" })
})

it("continues without a summary if the model gives none", async () => {
  const failing: ScriptedTurn = [{ type: "failure", code: "invalid_request" }]
  const { run } = setUp([look, failing, failing, done], ({ messages, failures }) => {
    return messages.length >= 3 && failures < 2
  })
  await runLoop(run.context)
  expect(types(run.events)).toContain("compactionFailed")
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
})

it("continues if the compaction itself fails", async () => {
  const { run } = setUp([look, done], () => {
    throw new Error("no")
  })
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
})

it("ends the run before a summary that could cross its budget", async () => {
  const provider = scriptedProvider([look])
  const run = createMemoryRun(provider, {
    tools: [looking],
    compaction: summarizing(({ messages }) => messages.length >= 3, provider),
    // The budget has room for the first call, but not for a call that writes a summary.
    maxBudgetUsd: 20,
    pricing: {
      cost: ({ usage: { inputTokens, outputTokens } }) => (inputTokens > 0 ? 15 : outputTokens * 0),
    },
  })
  await runLoop(run.context)
  expect(types(run.events).slice(-2)).toEqual(["budgetExceeded", "runCompleted"])
  expect(types(run.events)).not.toContain("compactionStarted")
})

it("shortens the results of tools in the model's requests, and nowhere else", async () => {
  let asked = 0
  const provider = scriptedProvider([look, done])
  const run = createMemoryRun(provider, {
    tools: [looking],
    compaction: {
      next: async ({ messages }) =>
        messages.length >= 3 && asked++ === 0 ? { type: "shorten", maxBytes: 40 } : null,
    },
  })
  await runLoop(run.context)
  const shown = JSON.stringify(provider.requests.at(-1)?.messages.at(-1))
  expect(shown).toContain("40 of ")
  expect(JSON.stringify(run.events)).toContain("seen ".repeat(190))
})

it("ends the run with a clear error if nothing makes the request fit", async () => {
  const provider = scriptedProvider([])
  const run = createMemoryRun(provider, { compaction: { next: async () => ({ type: "refuse" }) } })
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "context_too_long" })
})
