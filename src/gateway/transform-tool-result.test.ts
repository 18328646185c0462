import { afterEach, expect, it, vi } from "vitest"
import type { Plugin } from "../core/ports/plugin.ts"
import type { TransformToolResult } from "../core/ports/tools/transform-tool-result.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

function agent(plugins: readonly Plugin[], options: AgentOptions): Gateway {
  const gateway = createAgent("You help.", { store: "memory", logger, plugins, ...options })
  gateways.push(gateway)
  return gateway
}

const calling = scriptedProvider(({ messages }) =>
  messages.at(-1)?.role === "tool"
    ? [{ type: "text", text: JSON.stringify(messages.at(-1)) }]
    : [{ type: "toolCall", name: "own", input: { to: "ada" } }],
)
const own = tool({
  name: "own",
  description: "Does it.",
  inputSchema: { type: "object" },
  execute: () => "own was executed",
})
const appending =
  (text: string): TransformToolResult =>
  (result, { toolName, input }) => ({
    type: "json",
    value: `${result.type === "json" ? result.value : ""} ${text} ${toolName} ${input.to}`,
  })

it("a result that the application recognizes as a failure counts as one", async () => {
  const timings: boolean[] = []
  const soft = tool({
    name: "own",
    description: "Does it.",
    inputSchema: { type: "object" },
    execute: () => ({ success: false, why: "Closed." }),
  })
  const gateway = agent([], {
    provider: calling,
    tools: [soft],
    isErrorResult: (value, { toolName }) =>
      toolName === "own" && JSON.stringify(value).includes('"success":false'),
    onToolTiming: ({ ok }) => void timings.push(ok),
  })
  const { response } = await gateway.run("Hi.")
  expect(response).toContain('"isError":true')
  expect(response).toContain("Closed.")
  await vi.waitFor(() => expect(timings).toEqual([false]))
})

it("results of tools are changed by the agent and then by its plugins, before they are logged", async () => {
  const gateway = agent(
    [
      {
        name: "second",
        setup: () => ({ openRun: () => ({ transformToolResult: appending("B") }) }),
      },
    ],
    {
      provider: calling,
      tools: [own],
      transformToolResult: appending("A"),
    },
  )
  const logged: unknown[] = []
  for await (const event of gateway.stream("Hi."))
    if (event.type === "tool_call_complete") logged.push(event.result)
  expect(JSON.stringify(logged)).toContain("own was executed A own ada B own ada")
})

it.each([
  ["throws", () => Promise.reject(new Error("secret detail")), 60_000],
  ["hangs", () => new Promise<never>(() => {}), 6_000],
])(
  "results of tools are withheld if a transformation %s",
  async (_, transformToolResult, callbackTimeoutMs) => {
    const gateway = agent([], { provider: calling, tools: [own], transformToolResult, callbackTimeoutMs })
    const { response } = await gateway.run("Hi.")
    expect(response).toContain("result_withheld")
    expect(response).not.toContain("own was executed")
    expect(response).not.toContain("secret detail")
  },
)

it("results are not changed if the tool was not executed", async () => {
  const seen: unknown[] = []
  const gateway = agent([], {
    provider: calling,
    tools: [own],
    interceptors: [() => ({ action: "deny", message: "Not today." })],
    transformToolResult: (result) => {
      seen.push(result)
      return result
    },
  })
  expect((await gateway.run("Hi.")).response).toContain("Not today.")
  expect(seen).toEqual([])
})
