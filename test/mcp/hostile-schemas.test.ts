import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { testAgent, textOfResult } from "./support/agent.ts"

const server = fileURLToPath(new URL("fixtures/hostile-server.mjs", import.meta.url))
const hostile = () => testAgent({ mcpServers: { hostile: { command: process.execPath, args: [server] } } })

it("is not held up by an input that takes for ever to check: the model is told", async () => {
  const agent = hostile()
  const text = textOfResult(await agent.call("greet", { name: `${"a".repeat(32)}!` }))
  expect(text).toBe("[invalid_input] It cannot be checked: it takes longer than 200 ms.")
  expect(textOfResult(await agent.call("greet", { name: "aaa" }))).toContain("called")
})

it("tells the model of an input that cannot be checked because its schema goes round in circles", async () => {
  const text = textOfResult(await hostile().call("circle"))
  expect(text).toContain("[invalid_input] It cannot be checked: Maximum call stack size exceeded")
})

it("is not held up by a result that takes for ever to check: the model is told", async () => {
  const text = textOfResult(await hostile().call("guess"))
  expect(text).toContain("It cannot be checked: it takes longer than 200 ms.")
})

it("takes a result unchecked whose schema cannot be used", async () => {
  expect(textOfResult(await hostile().call("vague"))).toContain("called")
})
