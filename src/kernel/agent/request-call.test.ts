import { expect, it } from "vitest"
import type { Message } from "../../core/history/messages.ts"
import type { JsonObject } from "../../core/json/json.ts"
import { type EventEntry, logVersion, type RunStarted } from "../../core/log/entries.ts"
import type { Gate } from "../../core/ports/tools/gate.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"

const look = createAnyTool("look", () => ({ type: "json", value: "seen" }))
const delegate = createAnyTool("delegate", (_, { tasks }) => {
  tasks.collect("task_1")
  return {
    ...{ type: "task", name: "helper", announce: true },
    task: { agent: "agent", content: [{ type: "text", text: "Help." }] },
  }
})
const collect = createAnyTool("collect", (_, { tasks }) => {
  tasks.collect("task_1")
  return { type: "json", value: tasks.list().length }
})
const locate: Tool = { ...look, name: "locate", executionLocation: "client" }

function start(tool: string, input: JsonObject = {}): EventEntry {
  const event: RunStarted = {
    type: "runStarted",
    agent: "agent",
    revision: "1",
    content: [],
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
    call: { tool, input, origin: { type: "operator", name: "ann" } },
  }
  return { kind: "event", seq: 1, v: logVersion, at: 0, runId: "run_1", event }
}

const before: Message = {
  role: "assistant",
  content: [{ type: "toolCall", toolCallId: "call_0", name: "look", input: {} }],
}

/** Returns a run that calls the tool after an earlier message of the conversation. */
function callRun(tool: string, action: "execute" | "ask" | "deny" = "execute") {
  const provider = scriptedProvider(() => [{ type: "text", text: "A model was asked." }])
  const gate: Gate = {
    decide: async () => ({ action, qualifier: null, code: null, reason: null, decisions: [] }),
  }
  const tools = [look, locate, delegate, collect]
  const itemsAtEnd = () => [{ id: "end", kind: "webhook", payload: {} }]
  return createMemoryRun(provider, { tools, gate, itemsAtEnd }, [
    { ...start(""), runId: "run_0", event: { type: "historyReplaced", messages: [before] } },
    { ...start(tool, { place: "here" }), seq: 2 },
  ])
}

it("executes the call, asks no model, and ends the run", async () => {
  const run = callRun("look")
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.slice(2)).toMatchObject([
    { type: "stepStarted", step: 1 },
    { type: "toolCallRequested", name: "look", input: { place: "here" } },
    { type: "toolCallStarted" },
    { type: "toolCallCompleted", result: { type: "json", value: "seen" } },
    { type: "stepCompleted", step: 1 },
    { type: "runCompleted", disposition: "completed", reason: null },
  ])
})

it("leaves the conversation as it was, also if a person edits the arguments", async () => {
  const run = callRun("look", "ask")
  await runLoop(run.context)
  const toolCallId = run.waits[0]?.toolCallId ?? ""
  const editedInput = { place: "there" }
  const answer = { approved: true, editedInput, reason: null, grant: false }
  run.answer({ kind: "approval", toolCallId, answer })
  expect(await runLoop(run.context)).toBeNull()
  expect(run.context.conversation.messages).toEqual([before])
  expect(run.context.conversation.run).toBeNull()
})

it("does not execute a denied call", async () => {
  const run = callRun("look", "deny")
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.map(({ type }) => type)).not.toContain("toolCallStarted")
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted" })
})

it("names the tools if there is none with that name", async () => {
  const run = callRun("loook")
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.find(({ type }) => type === "toolCallCompleted")).toMatchObject({
    result: { type: "error", message: expect.stringContaining("look, locate") },
  })
})

it("refuses a tool that a client executes", async () => {
  const run = callRun("locate")
  expect(await runLoop(run.context)).toBeNull()
  expect(run.waits).toEqual([])
  expect(run.events.find(({ type }) => type === "toolCallCompleted")).toMatchObject({
    result: { type: "error", code: "client_tool" },
  })
})

it("goes on in another process after an answer", async () => {
  const first = callRun("look", "ask")
  await runLoop(first.context)
  const second = first.restart()
  const toolCallId = first.waits[0]?.toolCallId ?? ""
  second.answer({
    kind: "approval",
    toolCallId,
    answer: { approved: true, editedInput: null, reason: null, grant: false },
  })
  expect(await runLoop(second.context)).toBeNull()
  expect(second.events.filter(({ type }) => type === "toolCallStarted")).toHaveLength(1)
})

it("starts no background task, of which the model would learn", async () => {
  const run = callRun("delegate")
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.find(({ type }) => type === "toolCallCompleted")).toMatchObject({
    result: { type: "error", code: "background_task" },
  })
  expect(run.events.map(({ type }) => type)).not.toContain("taskRegistered")
  expect(run.outbox).toEqual([])
})

it("leaves the results of background tasks to the model", async () => {
  const run = callRun("collect")
  expect(await runLoop(run.context)).toBeNull()
  expect(run.events.map(({ type }) => type)).not.toContain("tasksCollected")
})

it("delivers nothing at its end", async () => {
  const run = callRun("look")
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted" })
  expect(run.outbox).toEqual([])
})
