import { Agent, RunState, run, setTracingDisabled, tool } from "@openai/agents"
import { createGatewayApp, openAiAgentsRunner } from "ai-agent-gateway"
import { z } from "zod"
import { standInModel } from "./stand-in-model.ts"

// By default, the SDK sends its traces to OpenAI.
setTracingDisabled(true)

const stock = new Map([
  ["kettle", 4],
  ["mug", 120],
])

const agent = new Agent({
  name: "shop",
  // To use a real model, replace it with the name of one, for example "gpt-6-sol", and set OPENAI_API_KEY.
  model: standInModel,
  instructions: "You keep a kitchen shop's stock. Order what is asked for.",
  tools: [
    tool({
      name: "check_stock",
      description: "How many of a product are in stock.",
      parameters: z.object({ product: z.string() }),
      execute: async ({ product }) => ({ pieces: stock.get(product) ?? 0 }),
    }),
    tool({
      name: "place_order",
      description: "Order a product from the supplier.",
      parameters: z.object({ product: z.string(), pieces: z.int().positive() }),
      needsApproval: true,
      execute: async ({ product, pieces }) => ({ ordered: pieces, product }),
    }),
  ],
})

export default createGatewayApp({
  // `resumes`: after a crash, the gateway calls the agent again with everything that was done before.
  buildChatRuntime: { runner: openAiAgentsRunner(agent, { run, RunState }), resumes: true },
})
