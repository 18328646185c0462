import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import type { McpServerOptions } from "../../src/features/mcp/config/definition.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { testAgent, textOfResult } from "./support/agent.ts"

const file = fileURLToPath(new URL("fixtures/limited-server.mjs", import.meta.url))

function limited(env: Readonly<Record<string, string>> = {}, options: McpServerOptions = {}) {
  const logged: { readonly fields: object; readonly message: string }[] = []
  const log = (fields: object, message: string) => void logged.push({ fields, message })
  const server = { command: process.execPath, args: [file], env, resources: true, prompts: true, ...options }
  const agent = testAgent({
    mcpServers: { limited: server },
    logger: { debug: log, info: log, warn: log, error: log },
  })
  return { agent, logged }
}

describe("a server that does less than it announces", () => {
  it("starts even if it refuses logging/setLevel", async () => {
    const { agent } = limited({ LACKS: "logging/setLevel" }, { startTimeoutMs: 10_000 })
    expect(textOfResult(await agent.call("greet"))).toBe("hello")
  })

  it.each([
    ["resources/templates/list", { resources: [{ uri: "note:1", name: "Note" }], templates: [] }],
    ["resources/list", { resources: [], templates: [{ uriTemplate: "note:{id}", name: "Notes" }] }],
  ])("lists its resources without %s", async (method, listed) => {
    const { agent } = limited({ LACKS: method })
    const text = textOfResult(await agent.call("list_resources", { server: "limited" }))
    expect(JSON.parse(text)).toEqual(listed)
  })

  it("lists no prompts without prompts/list", async () => {
    const { agent } = limited({ LACKS: "prompts/list" })
    const text = textOfResult(await agent.call("list_prompts", { server: "limited" }))
    expect(JSON.parse(text)).toEqual({ prompts: [] })
  })
})

it("receives a resource and a prompt request again after it died during them", async () => {
  const { agent } = limited({ MARK: join(await temporaryFolder(), "mark") })
  const resource = await agent.call("read_resource", { server: "limited", uri: "note:1" })
  expect(textOfResult(resource)).toContain("Buy milk.")
  const prompt = await agent.call("get_prompt", { server: "limited", name: "greeting" })
  expect(textOfResult(prompt)).toContain("Hello!")
})

describe("a server that sends too much", () => {
  it("leaves the main thread free while it reports endless progress", async () => {
    const { agent } = limited({}, { timeoutMs: 7_000 })
    await agent.call("greet")
    const before = process.threadCpuUsage()
    const stream = await agent.watchCall("flood")
    const frames = await stream.rest()
    const { user, system } = process.threadCpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(1_500)
    const chunks = frames.filter(({ event }) => event.type === "tool_output_chunk")
    expect(chunks.length).toBeGreaterThan(0)
    expect(chunks.length).toBeLessThan(50)
    // The gateway notices the end of the server and continues.
    expect(textOfResult(await agent.call("greet"))).toBe("hello")
  })

  it("has short lines in the log, with any content", async () => {
    const { agent, logged } = limited()
    await agent.call("shout")
    const own = logged.filter(({ message }) => message.includes("MCP server"))
    expect(own.length).toBeGreaterThan(50)
    for (const { fields } of own) expect(JSON.stringify(fields).length).toBeLessThan(3_000)
  })

  it("has only the beginning of its instructions in the system prompt", async () => {
    const { agent } = limited({}, { instructions: true })
    await agent.call("greet")
    const system = agent.provider.requests.at(-1)?.system ?? []
    expect(JSON.stringify(system)).toContain("Read this. Read this.")
    expect(JSON.stringify(system).length).toBeLessThan(20_000)
  })
})
