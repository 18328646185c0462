import { expect, it } from "vitest"
import { createAgent } from "./create-agent.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }

it.each([
  [{}, "/api/ai-sdk/chat"],
  [{ prefix: "/" }, "/ai-sdk/chat"],
  [{ prefix: "/v2/agents" }, "/v2/agents/ai-sdk/chat"],
])("serves AI SDK UI at the path that it reports with %j", async (options, path) => {
  const gateway = createAgent("You help.", { store: "memory", provider: "demo", logger: silent, ...options })
  try {
    expect(gateway.wires).toContainEqual({ name: "AI SDK UI", path })
    const response = await gateway.fetch(
      new Request(`http://127.0.0.1${path}`, { method: "POST", body: "{}" }),
    )
    // A path that is not served has 404.
    expect(response.status).toBe(401)
  } finally {
    await gateway.close({ graceMs: 0 })
  }
})

it("reports OpenAI's protocols at the root", () => {
  const gateway = createAgent("You help.", { prefix: "/v2" })
  expect(gateway.wires).toContainEqual({ name: "OpenAI", path: "/v1" })
})

it("does not report a protocol that is off", () => {
  const gateway = createAgent("You help.", { wires: { aiSdk: false } })
  expect(gateway.wires.map(({ name }) => name)).not.toContain("AI SDK UI")
})
