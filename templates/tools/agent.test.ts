import assert from "node:assert/strict"
import { test } from "node:test"
import { createAgent, createLogger, memoryStore } from "ai-agent-gateway"
import { scriptedProvider } from "ai-agent-gateway/testing"
import { systemPrompt, tools } from "./tools.ts"

// Logs only errors, so that the report of the tests stays readable.
const logger = createLogger({ level: "error", form: "text" })

/** Returns an agent whose model calls the tool once and then responds. */
function agentThatCalls(name: string, input: Record<string, string>) {
  const provider = scriptedProvider([[{ type: "toolCall", name, input }], [{ type: "text", text: "Done." }]])
  return { agent: createAgent(systemPrompt, { provider, tools, logger, store: memoryStore() }), provider }
}

test("a note is written, and the model receives the result", async () => {
  const { agent, provider } = agentThatCalls("write_note", { title: "Milk", text: "Two liters" })
  const { response } = await agent.run("Note the milk.")
  await agent.close()
  assert.equal(response, "Done.")
  assert.match(JSON.stringify(provider.requests[1]), /Wrote Milk/)
})

test("a note is deleted only if a person allows it", async () => {
  const { agent, provider } = agentThatCalls("delete_note", { title: "Milk" })
  await agent.run("Delete the note on milk.", { onApproval: () => ({ approved: false, reason: "Keep it." }) })
  await agent.close()
  assert.match(JSON.stringify(provider.requests[1]), /Keep it/)
})
