import { expect, it, onTestFinished } from "vitest"
import type { ModelRequest } from "../../src/core/ports/model/provider.ts"
import { createGateway } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { listed, listingServer } from "./support/listing-server.ts"

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Returns a model that calls the tool once. */
const calling =
  (name: string) =>
  ({ messages }: ModelRequest) =>
    messages.length === 1 ? [{ type: "toolCall", name } as const] : [{ type: "text", text: "Done." } as const]

it("each agent of a gateway has its own MCP servers, even under the same name", async () => {
  const [left, right] = [
    await listingServer("left", listed("look"), listed("left_only")),
    await listingServer("right", listed("look"), listed("right_only")),
  ]
  const providers = { left: scriptedProvider(calling("look")), right: scriptedProvider(calling("left_only")) }
  const gateway = createGateway({
    store: "memory",
    logger: quiet,
    agents: {
      left: {
        systemPrompt: "",
        provider: providers.left,
        mcpServers: { files: left.definition() },
      },
      right: {
        systemPrompt: "",
        provider: providers.right,
        mcpServers: { files: right.definition() },
        needsApproval: () => true,
      },
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  expect(await gateway.run("Look.", { agent: "left" })).toMatchObject({ response: "Done." })
  expect(await gateway.run("Look.", { agent: "right" })).toMatchObject({ response: "Done." })
  const offered = (provider: typeof providers.left) =>
    provider.requests[0]?.tools.map(({ name }) => name).sort()
  expect(offered(providers.left)).toEqual(["left_only", "look"])
  expect(offered(providers.right)).toEqual(["look", "right_only"])
  // The model of one agent cannot call a tool of the other agent by its name.
  expect(providers.right.requests[1]?.messages.at(-1)).toMatchObject({
    role: "tool",
    results: [{ result: { type: "error", code: "unknown_tool" } }],
  })
  expect([left.calls(), right.calls()]).toEqual([["look"], []])
})
