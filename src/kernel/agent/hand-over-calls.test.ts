import { expect, it } from "vitest"
import type { EventEntry } from "../../core/log/entries.ts"
import { logVersion } from "../../core/log/entries.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"

const look = createAnyTool("look", () => ({ type: "json", value: "seen" }))
const locate: Tool = {
  ...createAnyTool("locate", () => ({ type: "json", value: null })),
  executionLocation: "client",
}

const started: EventEntry = {
  kind: "event",
  seq: 1,
  v: logVersion,
  at: 0,
  runId: "run_1",
  event: {
    type: "runStarted",
    agent: "agent",
    revision: "1",
    content: [{ type: "text", text: "Go." }],
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
    handsOverCalls: true,
  },
}

/** Returns a run that hands calls over, and whose model requests calls of these tools in its first turn. */
function runWith(names: readonly string[], asks: readonly string[] = []) {
  const calls = names.map((name) => ({ type: "toolCall", name, input: { name } }) as const)
  const provider = scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "user" ? calls : [{ type: "text", text: "Done" }],
  )
  const gate = {
    decide: async ({ tool }: { readonly tool: Tool }) => {
      const action = asks.includes(tool.name) ? ("ask" as const) : ("execute" as const)
      return { action, qualifier: null, code: null, reason: null, decisions: [] }
    },
  }
  return createMemoryRun(provider, { tools: [look, locate], gate }, [started])
}

it("completes when only calls of the client are left, which subscribers have seen with their arguments", async () => {
  const run = runWith(["look", "locate", "locate"])
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.filter(({ type }) => type === "toolCallCompleted")).toMatchObject([{ name: "look" }])
  expect(run.events.filter(({ type }) => type === "waitOpened")).toMatchObject([
    { kind: "clientTool", payload: { input: { name: "locate" } } },
    { kind: "clientTool", payload: { input: { name: "locate" } } },
  ])
  expect(run.commits.at(-1)).toMatchObject([
    { type: "toolCallInterrupted", name: "locate", reason: "cancelled" },
    { type: "toolCallInterrupted", name: "locate", reason: "cancelled" },
    { type: "stepCompleted", step: 1 },
    { type: "runCompleted", disposition: "completed", reason: "client_tools" },
  ])
})

it("waits while a person must allow another call", async () => {
  const run = runWith(["look", "locate"], ["look"])
  expect(await runLoop(run.context)).toBe(60_000)
  run.answer({
    kind: "approval",
    toolCallId: run.waits.find(({ kind }) => kind === "approval")?.toolCallId ?? "",
    answer: { approved: true, editedInput: null, reason: null, grant: false },
  })
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", reason: "client_tools" })
})

it("completes in another process if the first one ended before that", async () => {
  const first = runWith(["locate"])
  first.refuseTerminal()
  await expect(runLoop(first.context)).rejects.toThrow()
  const second = first.restart()
  expect(await runLoop(second.context)).toBeNull()
  expect(second.events.at(-1)).toMatchObject({ type: "runCompleted", reason: "client_tools" })
})

it("goes on without the client if the model needs none of its tools", async () => {
  const run = runWith(["look"])
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", reason: null })
})
