import assert from "node:assert/strict"
import { test } from "node:test"
import { createAgent, createLogger, memoryStore } from "ai-agent-gateway"
import { scriptedProvider } from "ai-agent-gateway/testing"
import { systemPrompt } from "./agent.ts"

// Logs only errors, so that the report of the tests stays readable.
const logger = createLogger({ level: "error", form: "text" })

test("the agent answers with what the model says", async () => {
  const provider = scriptedProvider([[{ type: "text", text: "Four." }]])
  const agent = createAgent(systemPrompt, { provider, logger, store: memoryStore() })
  const { response } = await agent.run("What is two and two?")
  await agent.close()
  assert.equal(response, "Four.")
})
