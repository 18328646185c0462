import assert from "node:assert/strict"
import { test } from "node:test"
import { createAgent, createLogger, memoryStore } from "ai-agent-gateway"
import { scriptedProvider } from "ai-agent-gateway/testing"
import { options, systemPrompt } from "./agent.ts"

// Logs only errors, so that the report of the tests stays readable.
const logger = createLogger({ level: "error", form: "text" })

test("the model sees the skill, and receives its instructions when it loads it", async () => {
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "load_skill", input: { name: "release-notes" } }],
    [{ type: "text", text: "Done." }],
  ])
  const agent = createAgent(systemPrompt, { ...options, provider, logger, store: memoryStore() })
  await agent.run("Write the release notes.")
  await agent.close()
  const [first, second] = provider.requests.map((request) => JSON.stringify(request))
  assert.match(first ?? "", /Writes release notes/)
  assert.match(second ?? "", /Sort them under the headings/)
})
