import { expect, test } from "vitest"
import type { Message } from "../../../core/history/messages.ts"
import type { ModelEnd, ModelEvent, ModelRequest } from "../../../core/ports/model/provider.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { demoProvider } from "./demo-provider.ts"

const add = { name: "add", description: "Adds.", inputSchema: { type: "object" } }

function request(message: string | readonly Message[], tools = [add]): ModelRequest {
  const messages: readonly Message[] =
    typeof message === "string" ? [{ role: "user", content: [{ type: "text", text: message }] }] : message
  return { model: "demo", system: [{ text: "Be kind." }], messages, tools, maxTokens: 100 }
}

async function ask(message: string | readonly Message[], tools = [add]) {
  const events: ModelEvent[] = []
  const stream = demoProvider({ delayMs: 0 }).stream(request(message, tools), {
    signal: new AbortController().signal,
  })
  for await (const event of stream) events.push(event)
  const end = events.at(-1)
  if (end?.type !== "end") throw new Error("The demo did not end.")
  return { events, end, text: textOf(end) }
}

const textOf = (end: ModelEnd) => end.content.map((part) => (part.type === "text" ? part.text : "")).join("")

test("echoes the message, says that it is not a model, and names the tools and how to use a real model", async () => {
  const { text, end } = await ask("Good morning")
  for (const phrase of ["Good morning", "not a model", "/tool", "add", "ANTHROPIC_API_KEY"]) {
    expect(text).toContain(phrase)
  }
  expect(end.stopReason).toBe("end")
})

test("its deltas together are its response, part by part", async () => {
  const { events, end } = await ask("/think  Why?")
  const parts = end.content.map((_, part) =>
    events.map((event) => ("part" in event && event.part === part ? event.text : "")).join(""),
  )
  expect(parts).toEqual(end.content.map((part) => ("text" in part ? part.text : "")))
  expect(end.content.map((part) => part.type)).toEqual(["thinking", "text"])
  expect(events.filter((event) => event.type === "thinkingDelta").length).toBeGreaterThan(3)
  expect(parts[1]).toContain("“Why?”")
})

test("the same request gets the same response and usage", async () => {
  expect(await ask("Hello there")).toEqual(await ask("Hello there"))
  const { end, events } = await ask("Hello there")
  expect(end.usage?.outputTokens).toBe(events.length - 1)
  expect(end.usage?.inputTokens).toBeGreaterThanOrEqual(4)
})

test("/tool calls the agent's tool with the input", async () => {
  const { end } = await ask('/tool add {"a": 1,\n "b": 2}')
  expect(end.content.at(-1)).toEqual({ type: "toolCall", name: "add", input: { a: 1, b: 2 } })
  expect(end.stopReason).toBe("toolCalls")
})

test("/tool is a command even before and after other parts of the message", async () => {
  const parts = [
    "<memories>A dog.</memories>",
    '/tool add {"a": 1}',
    '/tool add {"a": 2}',
    "The state is {}.",
  ]
  const content = parts.map((text) => ({ type: "text", text }) as const)
  const { end } = await ask([{ role: "user", content }])
  expect(end.content.filter(({ type }) => type === "toolCall")).toHaveLength(2)
})

test("several /tool lines are several calls, and a call without input gets an empty one", async () => {
  const { end } = await ask('/tool add {"a": 1}\n/tool add')
  expect(end.content.filter((part) => part.type === "toolCall").map((part) => part.input)).toEqual([
    { a: 1 },
    {},
  ])
})

test.each([
  ["an unknown tool", "/tool subtract {}", "no tool “subtract”"],
  ["broken JSON", "/tool add {", "one JSON object"],
  ["JSON that is no object", "/tool add [1]", "one JSON object"],
  ["no name", "/tool", "Which tool?"],
])("%s is answered with the list of tools", async (_, message, phrase) => {
  const { end, text } = await ask(message)
  expect(text).toContain(phrase)
  expect(text).toContain("add")
  expect(end.stopReason).toBe("end")
})

test("an agent without tools is described as such", async () => {
  expect((await ask("/tool add {}", [])).text).toContain("no tools")
})

test.each<[ToolResult, string]>([
  [{ type: "json", value: { sum: 3 } }, 'add answered: {"sum":3}'],
  [{ type: "json", value: "three" }, "add answered: three"],
  [{ type: "content", content: [{ type: "text", text: "3" }] }, "add answered: 3"],
  [{ type: "error", code: "overflow", message: "Too much." }, "add failed: Too much. (overflow)"],
  [{ type: "json", value: "three", isError: true }, "add failed: three"],
])("after a tool's result it repeats the result: %j", async (result, told) => {
  const { text } = await ask([
    { role: "user", content: [{ type: "text", text: "/tool add {}" }] },
    { role: "assistant", content: [{ type: "toolCall", toolCallId: "call_1", name: "add", input: {} }] },
    { role: "tool", results: [{ toolCallId: "call_1", result }] },
  ])
  expect(text).toBe(told)
})

test("stops at once on abort without a further event", async () => {
  const controller = new AbortController()
  const stream = demoProvider({ delayMs: 60_000 }).stream(request("Hello"), { signal: controller.signal })
  const events: ModelEvent[] = []
  const finished = (async () => {
    for await (const event of stream) events.push(event)
  })()
  controller.abort()
  await finished
  expect(events).toEqual([])
})
