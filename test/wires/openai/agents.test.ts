import { Agent, tool as clientTool, hostedMcpTool, OpenAIProvider, Runner } from "@openai/agents"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, createPay, reply } from "../support/scripted-turns.ts"
import { startGateway } from "./support/gateway.ts"

const look = tool({
  ...{ name: "look", description: "Looks.", inputSchema: { type: "object" } },
  execute: () => "red",
})

/** Looks with the agent's own tool, calls the client's function, and then has its answer. */
const working = () =>
  scriptedProvider(({ messages }) => {
    const last = JSON.stringify(messages.at(-1))
    if (last.includes("Where")) return [{ type: "thinking", text: "Hm." }, call("look")]
    return last.includes("red")
      ? [...reply("Let me see."), call("locate", { exact: true })]
      : reply("In Rome.")
  })

/** Starts a gateway, and an agent of the library that has it as its model. */
async function startAgent({ useResponses }: { readonly useResponses: boolean }) {
  const provider = working()
  const { client } = await startGateway({ provider, tools: [look] })
  const located: unknown[] = []
  const agent = new Agent({
    name: "traveler",
    model: "agent",
    instructions: "Be brief.",
    tools: [
      clientTool({
        ...{ name: "locate", description: "Finds the user's place." },
        parameters: z.object({ exact: z.boolean() }),
        execute: (input) => {
          located.push(input)
          return "Rome"
        },
      }),
    ],
  })
  const modelProvider = new OpenAIProvider({ openAIClient: client as never, useResponses })
  const runner = new Runner({ modelProvider, tracingDisabled: true })
  return { provider, agent, runner, located }
}

describe.each([
  ["Responses", true],
  ["Chat Completions", false],
])("an agent of @openai/agents over %s", (_, useResponses) => {
  it("calls its own function between two responses", async () => {
    const { agent, runner, located, provider } = await startAgent({ useResponses })
    const { finalOutput } = await runner.run(agent, "Where am I?")
    expect(finalOutput).toBe("In Rome.")
    expect(located).toEqual([{ exact: true }])
    expect(provider.requests[0]?.system[1]?.text).toContain('"Be brief."')
  })

  it("streams", async () => {
    const { agent, runner, located } = await startAgent({ useResponses })
    const result = await runner.run(agent, "Where am I?", { stream: true })
    let text = ""
    for await (const piece of result.toTextStream()) text += piece
    await result.completed
    expect(text).toBe("Let me see.In Rome.")
    expect([result.finalOutput, located]).toEqual(["In Rome.", [{ exact: true }]])
  })
})

it("an agent of @openai/agents continues a conversation of the gateway", async () => {
  const { agent, runner, provider } = await startAgent({ useResponses: true })
  await runner.run(agent, "Where am I?", { conversationId: "chat-1" })
  const again = await runner.run(agent, "Sure?", { conversationId: "chat-1" })
  expect(again.finalOutput).toBe("In Rome.")
  const roles = provider.requests.at(-1)?.messages.map(({ role }) => role)
  expect(roles).toEqual(["user", "assistant", "tool", "assistant", "tool", "assistant", "user"])
  const next = await runner.run(agent, "Really?", { previousResponseId: again.lastResponseId ?? "" })
  expect(next.finalOutput).toBe("In Rome.")
  expect(provider.requests.at(-1)?.messages.length).toBe(9)
})

describe("an approval in an agent of @openai/agents", () => {
  /** Starts an agent of the library whose model asks to pay twice, and then has its answer. */
  async function startBuyer(server = hostedMcpTool({ serverLabel: "agent", requireApproval: "always" })) {
    const { pay, paid } = createPay()
    const provider = scriptedProvider([
      [call("pay", { sum: 1 })],
      [call("pay", { sum: 2 })],
      reply("Done."),
      reply("You are welcome."),
    ])
    const { client } = await startGateway({ provider, tools: [pay] })
    const agent = new Agent({ name: "buyer", model: "agent", tools: [server] })
    const modelProvider = new OpenAIProvider({ openAIClient: client as never })
    const runner = new Runner({ modelProvider, tracingDisabled: true })
    return { agent, runner, paid, provider }
  }

  it.each([
    ["its own history", {}],
    ["a conversation of the gateway", { conversationId: "chat-1" }],
  ])("is an interruption that its application approves or rejects, with %s", async (_, options) => {
    const { agent, runner, paid, provider } = await startBuyer()
    let result = await runner.run(agent, "Pay.", options)
    expect(result.interruptions).toMatchObject([{ rawItem: { name: "pay" } }])
    for (const each of result.interruptions) result.state.approve(each)
    result = await runner.run(agent, result.state, options)
    expect([paid, result.interruptions.length]).toEqual([[{ sum: 1 }], 1])
    for (const each of result.interruptions) result.state.reject(each, { message: "Too much." })
    result = await runner.run(agent, result.state, options)
    expect([paid, result.interruptions, result.finalOutput]).toEqual([[{ sum: 1 }], [], "Done."])
    expect(JSON.stringify(provider.requests.at(-1)?.messages.at(-1))).toContain("Too much.")
    const input = [...result.history, { role: "user", content: "Thanks." } as const]
    const next = await runner.run(agent, "conversationId" in options ? "Thanks." : input, options)
    expect([paid, next.finalOutput]).toEqual([[{ sum: 1 }], "You are welcome."])
  })

  it("is answered by its own function while it streams", async () => {
    const asked: unknown[] = []
    const { agent, runner, paid } = await startBuyer(
      hostedMcpTool({
        serverLabel: "agent",
        requireApproval: "always",
        onApproval: async (_, { rawItem }) => {
          asked.push(rawItem.providerData?.arguments)
          return { approve: asked.length === 1 }
        },
      }),
    )
    const result = await runner.run(agent, "Pay.", { stream: true })
    await result.completed
    expect([asked, paid, result.finalOutput]).toEqual([['{"sum":1}', '{"sum":2}'], [{ sum: 1 }], "Done."])
  })

  it("is refused for a server that is not the agent's", async () => {
    for (const given of [
      { serverLabel: "other" },
      { serverLabel: "agent", serverUrl: "https://example.org" },
      { serverLabel: "agent", connectorId: "connector_gmail" },
    ]) {
      const { agent, runner } = await startBuyer(hostedMcpTool(given))
      await expect(runner.run(agent, "Pay.")).rejects.toMatchObject({ status: 422 })
    }
  })
})
