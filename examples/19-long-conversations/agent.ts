import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

/** Returns more text than a model should read at once. */
const listOrders = tool({
  name: "list_orders",
  description: "Lists all orders.",
  inputSchema: z.object({ count: z.int().min(1).max(100_000) }),
  readOnly: true,
  execute: ({ count }) => ({
    orders: Array.from({ length: count }, (_, index) => ({ id: `A-${index}`, total: index * 3 })),
  }),
})

export default createAgent("You answer questions about orders.", {
  tools: [listOrders],
  // With a small window, a summary is needed soon.
  contextWindow: 8_000,
  compaction: { instructions: "Keep all order numbers." },
})
