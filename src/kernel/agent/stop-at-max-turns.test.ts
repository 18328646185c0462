import { expect, it, vi } from "vitest"
import { RunCancelledError } from "../../core/errors.ts"
import type { OnMaxTurns } from "../../core/runs/max-turns.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"

const note = createAnyTool("note", () => ({ type: "json", value: "noted" }))

function runOf(onMaxTurns: OnMaxTurns, callbackTimeoutMs = 1_000) {
  const provider = scriptedProvider(() => [{ type: "toolCall", name: "note" }])
  return createMemoryRun(provider, { tools: [note], maxTurns: 1, onMaxTurns, callbackTimeoutMs })
}

it("ends a run at its maximum of turns with the summary that the application returns", async () => {
  const onMaxTurns = vi.fn<OnMaxTurns>(async () => "Noted one thing.")
  const run = runOf(onMaxTurns)
  await runLoop(run.context)
  const [report] = onMaxTurns.mock.calls[0] ?? []
  expect(report).toMatchObject({ sessionId: "sess_1", runId: "run_1", turnCount: 1, maxTurns: 1 })
  expect(report?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"])
  expect(run.commits.at(-1)).toMatchObject([
    { type: "maxTurnsReached", turnCount: 1, maxTurns: 1, summary: "Noted one thing." },
    { type: "runCompleted", disposition: "interrupted", reason: "max_turns" },
  ])
})

it.each<[string, OnMaxTurns]>([
  ["returns nothing", () => undefined],
  ["returns white space", () => " \n"],
  ["returns no text", () => 7 as never],
  [
    "throws",
    () => {
      throw new Error("no")
    },
  ],
  ["never returns", () => new Promise(() => undefined)],
])("ends the run without a summary if the function %s", async (_, onMaxTurns) => {
  const run = runOf(onMaxTurns, 50)
  await runLoop(run.context)
  expect(run.events.at(-2)).toEqual({ type: "maxTurnsReached", turnCount: 1, maxTurns: 1 })
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", reason: "max_turns" })
})

it("truncates a summary to 100 000 characters", async () => {
  const run = runOf(() => "x".repeat(200_000))
  await runLoop(run.context)
  expect(run.events.at(-2)).toMatchObject({ summary: "x".repeat(100_000) })
})

it("is aborted by a cancel of the run", async () => {
  const signals: AbortSignal[] = []
  const called = Promise.withResolvers<void>()
  const run = runOf((_report, { signal }) => {
    signals.push(signal)
    called.resolve()
    return new Promise(() => undefined)
  })
  const ended = runLoop(run.context)
  await called.promise
  run.cancel()
  await expect(ended).rejects.toThrow(RunCancelledError)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
})
