import { expect, it, onTestFinished, vi } from "vitest"
import { patienceMs } from "../../test/patience.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const callsOfMessage = 100

it("a burst of expensive checks of one tenant never makes the valid calls of others fail", async () => {
  const hostile = { type: "toolCall", name: "look", input: { text: `${"a".repeat(60)}!` } } as const
  const valid: ScriptedStep = { type: "toolCall", name: "look", input: { text: "aaa" } }
  const provider = scriptedProvider(({ messages }) => {
    const [first, last] = [messages[0], messages.at(-1)]
    if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
    const isHostile = JSON.stringify(first).includes("burst")
    return isHostile ? Array<ScriptedStep>(callsOfMessage).fill(hostile) : [valid]
  })
  const look = tool({
    name: "look",
    description: "Looks.",
    inputSchema: { type: "object", properties: { text: { type: "string", pattern: "^(a+)+$" } } },
    execute: () => "seen",
  })
  const limits = { maxConcurrentRuns: 100, maxConcurrentRunsPerTenant: 90, maxConcurrentRunsPerPrincipal: 90 }
  const gateway = createAgent("You look.", { provider, store: "memory", logger, tools: [look], ...limits })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const attacker = { tenant: "bad", userId: "mallory" }
  const stop = new AbortController()
  const burst = Array.from({ length: 80 }, () => gateway.run("burst", { ...attacker, signal: stop.signal }))
  const settled = Promise.allSettled(burst)
  // All runs of the attacker have requested their calls, each of which is checked for up to 200 ms.
  await vi.waitUntil(() => provider.requests.length === 80, { timeout: patienceMs, interval: 20 })
  for (const user of [
    { tenant: "good", userId: "ann" },
    { tenant: "good", userId: "bob" },
    { tenant: "other", userId: "ann" },
    { tenant: "bad", userId: "eve" },
  ]) {
    const { response } = await gateway.run("Look.", user)
    expect(response).toContain("seen")
  }
  stop.abort()
  await settled
})
