import { expect, it, onTestFinished } from "vitest"
import type { JsonObject } from "../../src/core/json/json.ts"
import type { ModelRequest } from "../../src/core/ports/model/provider.ts"
import { type AgentOptions, createAgent, tool, toolResult } from "../../src/index.ts"
import { type ScriptedStep, scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { listed, listingServer } from "./support/listing-server.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const load = tool({
  name: "use_servers",
  description: "Loads servers.",
  inputSchema: { type: "object" },
  execute: (input) => toolResult("loaded", { loadServers: (input as { names: string[] }).names }),
})

const call = (name: string, input: JsonObject = {}): ScriptedStep => ({ type: "toolCall", name, input })
const say: ScriptedStep = { type: "text", text: "Done." }
const offered = (request: ModelRequest | undefined) => request?.tools.map(({ name }) => name).sort()

/** Returns an agent with a server that is always offered and two that are not, and a model that plays the script. */
async function open(script: readonly (readonly ScriptedStep[])[], options: Partial<AgentOptions> = {}) {
  const files = await listingServer("files", listed("read"))
  const issues = await listingServer("issues", listed("list_issues"))
  const mail = await listingServer("mail", listed("send"))
  let turn = 0
  const provider = scriptedProvider(() => script[turn++] ?? [say])
  const gateway = createAgent("You help.", {
    provider,
    store: "memory",
    logger,
    tools: [load],
    mcpServers: {
      files: files.definition(),
      issues: issues.definition({ onDemand: true }),
      mail: mail.definition({ onDemand: true }),
    },
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, provider, issues }
}

it("offers a server on demand after a tool's result has loaded it, for the rest of the session", async () => {
  const { gateway, provider, issues } = await open([
    [call("list_issues")],
    [call("use_servers", { names: ["issues"] })],
    [call("list_issues")],
    [say],
  ])
  const { sessionId } = await gateway.run("Go.")
  await gateway.run("Go on.", { sessionId })
  await gateway.run("Another session.")
  expect(provider.requests.map(offered)).toEqual([
    ["read", "use_servers"],
    ["read", "use_servers"],
    ["list_issues", "read", "use_servers"],
    ["list_issues", "read", "use_servers"],
    ["list_issues", "read", "use_servers"],
    ["read", "use_servers"],
  ])
  // The first call was refused, because the model did not have the tool.
  expect(issues.calls()).toEqual(["list_issues"])
  expect(JSON.stringify(provider.requests[1]?.messages)).toContain("unknown_tool")
})

it("offers it after a restart too, because the log names it", async () => {
  const store = await temporaryFolder()
  const first = await open([[call("use_servers", { names: ["mail", "unknown"] })]], { store })
  const { sessionId } = await first.gateway.run("Go.")
  await first.gateway.close({ graceMs: 0 })
  const second = await open([], { store })
  await second.gateway.run("Go on.", { sessionId })
  expect(second.provider.requests.map(offered)).toEqual([["read", "send", "use_servers"]])
})

it("offers it to the sub-agents of a session that has loaded it", async () => {
  const { gateway, provider } = await open(
    [[call("use_servers", { names: ["issues"] })], [call("run_agent", { task: "List." })]],
    { subAgents: { background: false } },
  )
  await gateway.run("Go.")
  expect(offered(provider.requests[2])).toEqual(["list_issues", "read", "use_servers"])
})

it("refuses names that cannot be those of servers", () => {
  expect(() => toolResult("x", { loadServers: [""] })).toThrow("loadServers")
})
