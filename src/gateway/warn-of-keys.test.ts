import { afterEach, describe, expect, it } from "vitest"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const anyKey = expect.stringMatching(/^Any API key is accepted.* Set validApiKeys or authenticate\.$/)
const shortKey = expect.stringContaining("short enough to be guessed")

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

function create(options: AgentOptions = {}) {
  const warnings: string[] = []
  const warn = (_fields: object, message: string) => void warnings.push(message)
  const logger = { debug() {}, info() {}, warn, error() {} }
  const provider = scriptedProvider([[{ type: "text", text: "Hello." }]])
  const gateway = createAgent("Hi.", { store: "memory", provider, logger, ...options })
  gateways.push(gateway)
  return { gateway, warnings }
}

const openSession = (gateway: Gateway) =>
  gateway.fetch(
    new Request("http://app.example/api/chat/init", {
      method: "POST",
      headers: { "content-type": "application/json", origin: "http://app.example" },
      body: JSON.stringify({ api_key: "0123456789abcdef" }),
    }),
  )

describe("a gateway that accepts any key", () => {
  it("logs one warning when it is mounted, at its first request", async () => {
    const { gateway, warnings } = create()
    await gateway.prepare()
    expect(warnings).toEqual([])
    expect((await openSession(gateway)).status).toBe(200)
    await openSession(gateway)
    expect(warnings).toEqual([anyKey])
  })

  it("logs one warning if it listens and is mounted as well", async () => {
    const { gateway, warnings } = create()
    await gateway.listen({ port: 0 })
    expect(warnings).toEqual([anyKey])
    await openSession(gateway)
    expect(warnings).toEqual([anyKey])
  })

  it("logs no warning for a run without HTTP", async () => {
    const { gateway, warnings } = create()
    await gateway.run("Hi")
    expect(warnings).toEqual([])
  })
})

it.each([["secret"], [{ key: "secret", tenant: "acme" }]])(
  "a mounted gateway warns of a short key: %j",
  async (key) => {
    const { gateway, warnings } = create({ validApiKeys: [key, "0123456789abcdef"] })
    await openSession(gateway)
    expect(warnings).toEqual([shortKey])
  },
)

it("a gateway warns of an operator key of the environment that is too short", async () => {
  const { gateway, warnings } = create({ validApiKeys: ["0123456789abcdef"] })
  await gateway.prepare({ env: { AGENT_GATEWAY_OPERATOR_KEY: "short" } })
  await openSession(gateway)
  expect(warnings).toEqual([expect.stringMatching(/^AGENT_GATEWAY_OPERATOR_KEY is too short/)])
})

it.each<[string, AgentOptions]>([
  ["long keys", { validApiKeys: ["0123456789abcdef"] }],
  ["authenticate", { authenticate: async () => ({ userId: "ada" }) }],
])("a mounted gateway with %s logs no warning", async (_, options) => {
  const { gateway, warnings } = create(options)
  expect((await openSession(gateway)).status).toBe(200)
  expect(warnings).toEqual([])
})
