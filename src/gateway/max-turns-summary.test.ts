import { expect, it, onTestFinished } from "vitest"
import { connect } from "../client/index.ts"
import { applyEvent } from "../client/view/apply-event.ts"
import { viewOfHistory } from "../client/view/view-of-history.ts"
import { collectRunOutput } from "../features/headless/run/collect-run-output.ts"
import { formatRunSummary } from "../features/headless/run/format-run-summary.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"
import { runAutonomous } from "./runs/run-autonomous.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const note = tool({
  name: "note",
  description: "Notes.",
  inputSchema: { type: "object" },
  execute: () => "noted",
})
const turn: readonly ScriptedStep[] = [
  { type: "text", text: "I note." },
  { type: "toolCall", name: "note" },
]
const options = {
  store: "memory",
  logger,
  tools: [note],
  maxTurns: 2,
  onMaxTurns: ({ messages }) => `Noted ${messages.filter(({ role }) => role === "tool").length} things.`,
} as const satisfies AgentOptions
const summary = "Noted 2 things."

it("is part of the result and of the output of a run without a client", async () => {
  const provider = scriptedProvider(() => turn)
  const output = await runAutonomous("You note.", "Go.", { provider, ...options })
  expect(output).toMatchObject({ maxTurnsReached: true, response: "I note.", summary })
  expect(formatRunSummary(output)).toContain(`I note.\n\n${summary}`)
  const gateway = createAgent("You note.", { provider, ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  await expect(gateway.run("Go.")).resolves.toMatchObject({ reason: "max_turns", summary })
  await expect(collectRunOutput(gateway.stream("Go."))).resolves.toMatchObject({ summary })
})

it("reaches clients of the HTTP API, in the stream and after a reload", async () => {
  const gateway = createAgent("You note.", { provider: scriptedProvider(() => turn), ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  let view = viewOfHistory(await chat.history())
  for await (const event of chat.send("Go.")) {
    if (event.type === "max_turns_reached") expect(event.summary).toBe(summary)
    view = applyEvent(view, event)
  }
  expect(view.ended).toEqual({ outcome: "interrupted", reason: "max_turns", error: null, summary })
  expect(viewOfHistory(await chat.history()).ended).toEqual(view.ended)
})

it("is part of the result of a sub-agent", async () => {
  const provider = scriptedProvider(({ messages: [first, ...rest] }) => {
    const part = first?.role === "user" ? first.content[0] : undefined
    if (part?.type !== "text" || part.text !== "Go.") return turn
    return rest.length > 0
      ? [{ type: "text", text: "Done." }]
      : [{ type: "toolCall", name: "run_agent", input: { task: "Note." } }]
  })
  const gateway = createAgent("You plan.", { provider, ...options, subAgents: true })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  await gateway.run("Go.")
  const results = JSON.stringify(provider.requests.at(-1)?.messages.at(-1))
  expect(results).toContain(String.raw`"response":"I note.\n\nI note.\n\nNoted 2 things."`)
})
