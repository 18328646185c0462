import { ToolLoopAgent, tool } from "ai"
import { aiSdkRunner, createGatewayApp } from "ai-agent-gateway"
import { z } from "zod"
import { standInModel } from "./stand-in-model.ts"

const stock = new Map([
  ["kettle", 4],
  ["mug", 120],
])

const agent = new ToolLoopAgent({
  // To use a real model, replace it with any model of the AI SDK, for example `anthropic("claude-sonnet-5-5")` after
  // `npm i @ai-sdk/anthropic`.
  model: standInModel,
  instructions: "You keep a kitchen shop's stock. Order what is asked for.",
  tools: {
    check_stock: tool({
      description: "How many of a product are in stock.",
      inputSchema: z.object({ product: z.string() }),
      execute: async ({ product }) => ({ pieces: stock.get(product) ?? 0 }),
    }),
    place_order: tool({
      description: "Order a product from the supplier.",
      inputSchema: z.object({ product: z.string(), pieces: z.int().positive() }),
      execute: async ({ product, pieces }) => ({ ordered: pieces, product }),
    }),
  },
  toolApproval: { place_order: { type: "user-approval", reason: "It spends money." } },
})

export default createGatewayApp({
  // `resumes`: after a crash, the gateway calls the agent again with everything that was done before.
  buildChatRuntime: { runner: aiSdkRunner(agent), resumes: true },
})
