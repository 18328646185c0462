import { afterEach, expect, it } from "vitest"
import type { ToolTiming } from "../core/runs/run-hooks.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { toolError, toolResult } from "../kernel/tools/tool-result.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

/** A model that calls the tool and then responds with the result that it received. */
const calling = scriptedProvider(({ messages }) =>
  messages.at(-1)?.role === "tool"
    ? [{ type: "text", text: JSON.stringify(messages.at(-1)) }]
    : [{ type: "toolCall", name: "own", input: {} }],
)

async function resultOf(execute: () => unknown, onToolTiming?: (timing: ToolTiming) => void) {
  const own = tool({ name: "own", description: "Does it.", inputSchema: { type: "object" }, execute })
  const options = { provider: calling, tools: [own], ...(onToolTiming && { onToolTiming }) }
  const gateway = createAgent("You help.", { store: "memory", logger, ...options })
  gateways.push(gateway)
  const seen: object[] = []
  for await (const event of gateway.stream("Hi.")) if (event.type === "tool_call_complete") seen.push(event)
  const { response } = await gateway.run("Hi.")
  const message = JSON.parse(response ?? "null") as { results: { result: unknown }[] }
  return { event: seen[0], received: message.results[0]?.result }
}

it("a warning reaches the model and clients", async () => {
  const marks = { warning: "Only 2 of 5 rows matched." }
  const { event, received } = await resultOf(() => toolResult({ rows: 2 }, marks))
  expect(event).toMatchObject({ result: { rows: 2 }, error: null, ...marks })
  expect(event).not.toHaveProperty("is_error")
  expect(received).toEqual({ type: "json", value: { rows: 2 }, ...marks })
})

it("a result that reports a failure is marked for the model, clients and hooks", async () => {
  const timings: ToolTiming[] = []
  const { event, received } = await resultOf(
    () => toolResult({ success: false }, { isError: true }),
    (timing) => void timings.push(timing),
  )
  expect(event).toMatchObject({ result: { success: false }, error: null, is_error: true })
  expect(received).toEqual({ type: "json", value: { success: false }, isError: true })
  await expect.poll(() => timings.map(({ ok }) => ok)).toContain(false)
})

it.each([
  [
    "returned",
    () => toolError({ code: "lookup_failed", subCode: "not_found", message: "There is no order 7." }),
  ],
  [
    "thrown",
    () => {
      throw Object.assign(new Error("There is no order 7."), { code: "lookup_failed", subCode: "not_found" })
    },
  ],
])("an error keeps its subCode if it was %s", async (_how, execute) => {
  const { event, received } = await resultOf(execute)
  const error = { code: "lookup_failed", message: "There is no order 7." }
  expect(event).toMatchObject({ result: null, error: { ...error, sub_code: "not_found" } })
  expect(received).toEqual({ type: "error", ...error, subCode: "not_found" })
})

it("secrets in a warning are masked, and a long one is truncated", async () => {
  const key = `sk-ant-api03-${"a".repeat(80)}`
  const { received } = await resultOf(() => toolResult(1, { warning: `${key} ${"x".repeat(100_000)}` }))
  const text = JSON.stringify(received)
  expect(text).not.toContain(key)
  expect(text.length).toBeLessThan(5_000)
})

it("fields of a value do not make it a failure", async () => {
  const { event } = await resultOf(() => ({ success: false, status: "error" }))
  expect(event).not.toHaveProperty("is_error")
})
