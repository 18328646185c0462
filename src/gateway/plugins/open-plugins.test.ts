import { afterEach, expect, it } from "vitest"
import { ConfigurationError } from "../../core/errors.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "../create-agent.ts"
import type { Gateway } from "../gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

function agent(options: AgentOptions): Gateway {
  const gateway = createAgent("Hi.", { store: "memory", provider: scriptedProvider([]), logger, ...options })
  gateways.push(gateway)
  return gateway
}

it("names the plugin of the agent that has a wrong configuration", async () => {
  const setup = () => Promise.reject(new ConfigurationError("units: expected metric or imperial."))
  await expect(agent({ plugins: [{ name: "weather", setup }] }).prepare()).rejects.toMatchObject({
    code: "invalid_configuration",
    message: "The plugin weather could not be opened: units: expected metric or imperial.",
  })
})

it("reports a wrong configuration of a built-in plugin in the words of its option", async () => {
  await expect(agent({ subAgents: { agents: ["other"] } }).prepare()).rejects.toMatchObject({
    code: "invalid_configuration",
    message: expect.stringMatching(/^subAgents: the gateway has no agent "other"\./),
  })
})
