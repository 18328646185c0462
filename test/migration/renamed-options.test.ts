import { expect, test } from "vitest"
import {
  createAgent,
  createGatewayApp,
  delivery,
  HeartbeatLoop,
  runAutonomous,
  runAutonomousWithRetry,
  sendPrompt,
  tool,
} from "../../src/index.ts"
import { toCamelCase } from "../../src/platform/options/renamed-options.ts"
import { originalNames } from "./original-names.ts"

const agent = { provider: "demo", store: "memory" } as const
const run = () => Promise.reject(new Error("The function was called."))

/** Calls of this package with the options of an export of the Python package, by its name. */
const calls: Readonly<Record<string, (options: object) => unknown>> = {
  create_agent: (options) => createAgent("…", { ...agent, ...options }),
  GatewayServerConfig: (options) =>
    createGatewayApp({ store: "memory", buildChatRuntime: { systemPrompt: "…" }, ...options }),
  ChatRuntime: (options) =>
    createGatewayApp({ store: "memory", buildChatRuntime: { systemPrompt: "…", ...options } }),
  AgentRunner: (options) => createAgent("…", { ...agent, ...options }),
  SubAgentConfig: (subAgents) => createAgent("…", { ...agent, subAgents }),
  MemoryStore: (memory) => createAgent("…", { ...agent, memory }),
  CodeExecutionConfig: (codeExecution) => createAgent("…", { ...agent, codeExecution }),
  make_run_agent_handler: (subAgents) => createAgent("…", { ...agent, subAgents }),
  run_autonomous: (options) => runAutonomous("…", "…", { ...agent, ...options }),
  RetryConfig: (options) => runAutonomousWithRetry(run, options),
  DeliveryConfig: (options) => delivery(options),
  HeartbeatConfig: (config) => new HeartbeatLoop({ run, config }),
  HeartbeatLoop: (options) => new HeartbeatLoop({ run, ...options }),
  send_prompt: (options) => sendPrompt("…", { provider: "demo", ...options }),
}

const cases = Object.keys(calls).flatMap((name) => {
  const original = originalNames.exports[name]
  const parameters = original?.kind === "class" ? original.fields : {}
  const all = original?.kind === "function" ? original.parameters : parameters
  return Object.keys(all).flatMap((parameter) =>
    [...new Set([parameter, toCamelCase(parameter)])].map((option) => ({ name, option })),
  )
})

test.each(cases)(
  "the option $option of $name is known, or refused with what to use",
  async ({ name, option }) => {
    // No option may have this value, so a known option is refused for it.
    const attempt = async () => await calls[name]?.({ [option]: Symbol("wrong") })
    const { message } = await attempt().then(
      () => new Error("The option was ignored."),
      (error: Error) => error,
    )
    expect(message).toMatch(/^\w+: .+/)
    if (message.includes("unknown option"))
      expect(message).toMatch(/unknown option \S+ \((?:did you mean \w+\?|(?:use|leave|it is) .+)\)$/)
  },
)

test.each([
  ["input_schema", "did you mean inputSchema?"],
  ["handler", "use execute"],
])("the option %s of a tool is refused with what to use", (option, hint) => {
  const inputSchema = { type: "object" } as const
  const make = () => tool({ name: "a", description: "A.", inputSchema, execute: () => 1, [option]: 1 })
  expect(make).toThrow(hint)
})
