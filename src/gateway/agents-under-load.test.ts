import { afterEach, expect, it } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway } from "./create-gateway.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let gateway: Gateway | null = null
afterEach(async () => gateway?.close({ graceMs: 0 }))

/** Returns an agent whose model calls the agent's only tool, which counts, and responds with the tool's result. */
function counting(name: string) {
  const users: string[] = []
  const provider = scriptedProvider(({ messages, tools, system }) => {
    const last = messages.at(-1)
    if (last?.role !== "tool") return [{ type: "toolCall", name: tools[0]?.name ?? "none" }]
    return [{ type: "text", text: `${system[0]?.text} ${JSON.stringify(last.results[0]?.result)}` }]
  })
  const count = tool({
    name: `count_${name}`,
    description: "Counts.",
    inputSchema: { type: "object" },
    execute: (_input, { session }) => {
      users.push(session.userId)
      return `${name} counted for ${session.userId}`
    },
  })
  return { users, agent: { systemPrompt: `I am ${name}.`, provider, tools: [count] } }
}

it("hundreds of runs of several agents at once each have their own agent's prompt, tools and answers", async () => {
  const agents = { one: counting("one"), two: counting("two"), three: counting("three") }
  const names = ["one", "two", "three"] as const
  gateway = createGateway({
    store: "memory",
    logger,
    maxConcurrentRuns: 20,
    maxConcurrentRunsPerPrincipal: 20,
    agents: { one: agents.one.agent, two: agents.two.agent, three: agents.three.agent },
  })
  const opened = gateway
  const runs = Array.from({ length: 300 }, async (_, n) => {
    const name = names[n % 3] ?? "one"
    const { response } = await opened.run("Count.", { agent: name, userId: `user_${n}` })
    return [response, `I am ${name}. {"type":"json","value":"${name} counted for user_${n}"}`]
  })
  for (const [response, expected] of await Promise.all(runs)) expect(response).toBe(expected)
  for (const name of names) {
    expect(new Set(agents[name].users).size).toBe(100)
    const listed = await opened.sessions.list({ agents: [name], limit: 200 })
    expect(listed.items.map(({ state }) => state)).toEqual(Array(100).fill("idle"))
  }
})
