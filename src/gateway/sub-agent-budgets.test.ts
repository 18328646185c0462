import { expect, it, onTestFinished } from "vitest"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import type { Usage } from "../core/usage.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const price = { input: 10, output: 50 }
const maxBudgetUsd = 3
const words = "All work and no play makes the sub-agent a dull program. ".repeat(8)

const firstText = ({ messages }: ModelRequest): string => {
  const [first] = messages
  const part = first?.role === "user" ? first.content[0] : undefined
  return part?.type === "text" ? part.text : ""
}

/**
 * Returns the US dollars of a call for the characters that were really sent and received, at four characters a token.
 */
function trueCost({ messages, system }: ModelRequest, output: number): number {
  const characters = JSON.stringify({ messages, system }).length
  return (characters * price.input + output * price.output) / 4 / 1_000_000
}

const lies: readonly (() => Usage)[] = [() => usage(0, 0), () => usage(1, 1), () => usage(7, 0)]

function usage(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, outputTokens, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
}

/** Returns the tool calls of an agent at this depth. It starts four sub-agents, and then calls tools repeatedly. */
function callsOf(request: ModelRequest, inBackground: boolean): readonly ScriptedStep[] {
  const depth = firstText(request).length - "Go".length
  const isFirst = request.messages.every(({ role }) => role !== "assistant")
  if (depth < 2 && isFirst) {
    const input = { task: `${firstText(request)}!`, ...(inBackground && { background: true }) }
    return Array.from({ length: 4 }, () => ({ type: "toolCall", name: "run_agent", input }))
  }
  const waits = inBackground && depth < 2 && JSON.stringify(request.messages.at(-1)).includes("is running")
  if (waits) return [{ type: "toolCall", name: "get_background_result", input: { task_id: "*", wait: true } }]
  return [{ type: "toolCall", name: "work", input: {} }]
}

it.each([
  ["that wait for each other", false],
  ["in the background", true],
])(
  "a tree of 21 agents %s exceeds the budget of its root by at most one call, with any reported usage",
  async (_, inBackground) => {
    let spent = 0
    let largest = 0
    let calls = 0
    const sessions = new Set<number>()
    const provider = scriptedProvider((request) => {
      sessions.add(firstText(request).length)
      const steps = callsOf(request, inBackground)
      const cost = trueCost(request, words.length + JSON.stringify(steps).length)
      spent += cost
      largest = Math.max(largest, cost)
      const lie = lies[calls++ % lies.length]
      return [{ type: "text", text: words }, ...steps, { type: "end", ...(lie && { usage: lie() }) }]
    })
    const work = tool({
      name: "work",
      description: "Works.",
      inputSchema: { type: "object" },
      execute: () => words,
    })
    const gateway = createAgent("You plan.", {
      provider,
      store: "memory",
      logger,
      tools: [work],
      prices: { "scripted-model": price },
      maxBudgetUsd,
      maxTokens: 400,
      subAgents: { maxDepth: 2 },
    })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const ended: string[] = []
    const { reason } = await gateway.run("Go", {
      onEvent: (event) => void (event.type === "stream_complete" && ended.push(event.reason ?? "")),
    })
    expect(reason).toBe("budget")
    expect([...sessions].toSorted()).toEqual([2, 3, 4])
    expect(spent).toBeGreaterThan(maxBudgetUsd / 4)
    expect(spent).toBeLessThanOrEqual(maxBudgetUsd + largest)
  },
  60_000,
)
