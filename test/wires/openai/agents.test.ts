import { Agent, tool as clientTool, OpenAIProvider, Runner } from "@openai/agents"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, reply } from "../support/scripted-turns.ts"
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
