import { query } from "@anthropic-ai/claude-agent-sdk"
import { claudeAgentRunner, createGatewayApp, tool } from "ai-agent-gateway"
import { z } from "zod"
import { startStandIn } from "./stand-in-service.ts"

const stock = new Map([
  ["kettle", 4],
  ["mug", 120],
])

const checkStock = tool({
  name: "check_stock",
  description: "Returns how many pieces of a product are in stock.",
  inputSchema: z.object({ product: z.string() }),
  readOnly: true,
  execute: ({ product }) => ({ pieces: stock.get(product) ?? 0 }),
})

const placeOrder = tool({
  name: "place_order",
  description: "Orders a product from the supplier.",
  inputSchema: z.object({ product: z.string(), pieces: z.int().positive() }),
  needsApproval: true,
  execute: ({ product, pieces }) => ({ ordered: pieces, product }),
})

// Claude Code receives this environment and nothing of the gateway's environment.
const { ANTHROPIC_API_KEY } = process.env
const env: Record<string, string> = ANTHROPIC_API_KEY
  ? { ANTHROPIC_API_KEY }
  : { ANTHROPIC_API_KEY: "stand-in", ANTHROPIC_BASE_URL: await startStandIn() }

const runner = claudeAgentRunner({
  query,
  env,
  model: "claude-sonnet-5-5",
  systemPrompt: "You keep a kitchen shop's stock. Order the products that the user asks for.",
  tools: [checkStock, placeOrder],
})

export default createGatewayApp({
  // `resumes`: after a crash, the runner is called again and learns what was done before.
  buildChatRuntime: { runner, resumes: true },
})
