import { expect, it, onTestFinished } from "vitest"
import type { JsonObject } from "../core/json/json.ts"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

const note = tool({
  name: "note",
  description: "Notes.",
  inputSchema: { type: "object" },
  readOnly: true,
  execute: () => "noted",
})

const text = (value: string): ScriptedStep => ({ type: "text", text: value })
const usage = (inputTokens: number): ScriptedStep => ({
  type: "end",
  usage: { inputTokens, outputTokens: 2, cacheCreationInputTokens: 0, cacheReadInputTokens: 3 },
})
const call = (name: string, input: JsonObject = {}): ScriptedStep => ({ type: "toolCall", name, input })

const firstText = ({ messages: [first] }: ModelRequest): string => {
  const part = first?.role === "user" ? first.content[0] : undefined
  return part?.type === "text" ? part.text : ""
}
/** Returns the values of the results in the last tool message of a request. */
const valuesOf = ({ messages }: ModelRequest): readonly unknown[] => {
  const last = messages.findLast(({ role }) => role === "tool")
  return last?.role === "tool"
    ? last.results.map(({ result }) => (result.type === "json" ? result.value : result))
    : []
}

type Script = (request: ModelRequest) => readonly ScriptedStep[]

/** Runs an agent whose model delegates one task, and resolves to the results that the model received. */
async function delegate(
  subAgent: Script,
  { input = {}, ...options }: Partial<AgentOptions> & { readonly input?: JsonObject } = {},
): Promise<readonly unknown[]> {
  let received: readonly unknown[] = []
  const provider = scriptedProvider((request) => {
    if (firstText(request) !== "Go.") return subAgent(request)
    const values = valuesOf(request)
    if (values.length === 0) return [call("run_agent", { task: "Work.", ...input })]
    if (input.background === true && JSON.stringify(values).includes('"status":"running"'))
      return [call("get_background_result", { task_id: "*", wait: true })]
    received = values
    return [text("Done.")]
  })
  const gateway = createAgent("You plan.", { provider, store: "memory", logger, tools: [note], ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  await gateway.run("Go.")
  return received
}

const turns =
  (...steps: readonly (readonly ScriptedStep[])[]): Script =>
  ({ messages }) =>
    steps[messages.filter(({ role }) => role === "assistant").length] ?? [text("More.")]

it("gives the model the tools and the usage of a sub-agent with its response", async () => {
  const working = turns(
    [text("I look."), call("note"), call("note"), usage(10)],
    [call("missing"), usage(20)],
    [text("Found."), usage(30)],
  )
  await expect(delegate(working, { subAgents: true })).resolves.toEqual([
    {
      agent: "sub-agent",
      outcome: "completed",
      response: "Found.",
      tools_used: ["note", "missing"],
      usage: {
        input_tokens: 60,
        output_tokens: 6,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 9,
        estimated_cost: null,
      },
    },
  ])
})

it("warns the model that the response of an interrupted sub-agent is partial, and gives all of its text", async () => {
  const endless = turns([text("First."), call("note")], [text("Second."), call("note")])
  await expect(delegate(endless, { subAgents: { maxTurns: 2 } })).resolves.toEqual([
    expect.objectContaining({
      outcome: "interrupted",
      reason: "max_turns",
      response: "First.\n\nSecond.",
      tools_used: ["note"],
      warning: "The sub-agent reached its maximum number of turns. The response is partial.",
    }),
  ])
})

const never: Promise<void> = new Promise(() => undefined)
const hanging = turns([text("First."), call("note")], [text("Seco"), { type: "wait", until: never }])

it.each([false, true])(
  "keeps the text of a sub-agent that its time limit ended (in the background: %s)",
  async (background) => {
    const options = { subAgents: { timeoutSeconds: 1 }, input: { background } }
    const [value] = await delegate(hanging, options)
    const result = background ? (value as { readonly results: readonly unknown[] }).results[0] : value
    expect(result).toMatchObject({
      outcome: "interrupted",
      reason: "timeout",
      response: "First.\n\nSeco",
      tools_used: ["note"],
      warning: "The sub-agent exceeded its time limit and was canceled. The response is partial.",
    })
  },
)
