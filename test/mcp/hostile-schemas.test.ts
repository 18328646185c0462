import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { testAgent, textOfResult } from "./support/agent.ts"

const server = fileURLToPath(new URL("fixtures/hostile-server.mjs", import.meta.url))
const hostile = () => testAgent({ mcpServers: { hostile: { command: process.execPath, args: [server] } } })

it("is not delayed by an input that takes forever to check, and tells the model", async () => {
  const agent = hostile()
  const text = textOfResult(await agent.call("greet", { name: `${"a".repeat(32)}!` }))
  expect(text).toBe("[invalid_input] The value cannot be checked: its check takes longer than 200 ms.")
  expect(textOfResult(await agent.call("greet", { name: "aaa" }))).toContain("called")
})

it("tells the model about an input that cannot be checked because its schema is cyclic", async () => {
  const text = textOfResult(await hostile().call("circle"))
  expect(text).toContain("[invalid_input] The value cannot be checked: Maximum call stack size exceeded")
})

it("is not delayed by a result that takes forever to check, and tells the model", async () => {
  const text = textOfResult(await hostile().call("guess"))
  expect(text).toContain("[mcp_invalid_result]")
})

it("accepts a result unchecked if its schema cannot be used", async () => {
  expect(textOfResult(await hostile().call("vague"))).toContain("called")
})

/** Resolves to the CPU milliseconds of the main thread during the work. Other threads do not count. */
async function mainThreadMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

it("keeps the main thread free while hostile inputs and results are checked", async () => {
  const agent = hostile()
  await agent.call("vague")
  const spent = await mainThreadMs(async () => {
    for (let call = 0; call < 3; call++) {
      await agent.call("greet", { name: `${"a".repeat(32)}!` })
      await agent.call("guess")
    }
  })
  // Six checks, each of which runs to its limit of 200 ms.
  expect(spent).toBeLessThan(600)
})

it("bounds the checks of a local tool's plain JSON Schema", async () => {
  const endless = { type: "object", properties: { name: { type: "string", pattern: "^(a+)+$" } } }
  const greet = tool({ name: "greet", description: "Greets.", inputSchema: endless, execute: () => "called" })
  const agent = testAgent({ tools: [greet] })
  const spent = await mainThreadMs(async () => {
    const text = textOfResult(await agent.call("greet", { name: `${"a".repeat(28)}!` }))
    expect(text).toContain("takes longer than 200 ms")
  })
  expect(spent).toBeLessThan(1_000)
  expect(textOfResult(await agent.call("greet", { name: "aaa" }))).toContain("called")
})
