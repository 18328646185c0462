import { expect, it, onTestFinished } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { anthropicEvents } from "../testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../testing/provider/scripted-upstream.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const read = tool({
  name: "read",
  description: "Reads.",
  inputSchema: { type: "object" },
  readOnly: true,
  execute: () => "a long text",
})

/** Resolves to the requests of a run with three model calls, of which two call a tool. */
async function requestsWith(systemPrompt: Parameters<typeof createAgent>[0], options: AgentOptions = {}) {
  const call = [{ type: "toolCall", name: "read", input: {} }] as const
  const upstream = await startScriptedUpstream([
    { steps: anthropicEvents(call) },
    { steps: anthropicEvents(call) },
    { steps: anthropicEvents([{ type: "text", text: ["Done."] }]) },
  ])
  const agent = createAgent(systemPrompt, { ...options, tools: [read], store: "memory", logger: silent })
  onTestFinished(async () => {
    await agent.close({ graceMs: 0 })
    await upstream.close()
  })
  await agent.prepare({ env: { ANTHROPIC_API_KEY: "test", ANTHROPIC_BASE_URL: upstream.url } })
  expect(await agent.run("Read it.")).toMatchObject({ response: "Done." })
  return upstream.requests.map(({ body }) => body as { system: unknown; messages: readonly unknown[] })
}

const cached = { cache_control: { type: "ephemeral" } }

it("a system prompt that is a text is cached from the first call on, and the conversation from the second", async () => {
  const requests = await requestsWith("Be brief.")
  for (const { system } of requests) expect(system).toEqual([{ type: "text", text: "Be brief.", ...cached }])
  const marks = requests.map(({ messages }) =>
    messages.map((message) => JSON.stringify(message).includes("cache_control")),
  )
  expect(marks).toEqual([[false], [false, false, true], [false, false, false, false, true]])
})

it("with cache: false, only marked blocks of the system prompt are cached", async () => {
  for (const request of await requestsWith("Be brief.", { cache: false }))
    expect(JSON.stringify(request)).not.toContain("cache_control")
  for (const { system, messages } of await requestsWith([{ text: "Rules.", cache: true }], {
    cache: false,
  })) {
    expect(system).toEqual([{ type: "text", text: "Rules.", ...cached }])
    expect(JSON.stringify(messages)).not.toContain("cache_control")
  }
})
