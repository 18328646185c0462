import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

const order = tool({
  name: "order",
  description: "Order a book for the customer.",
  inputSchema: z.object({ title: z.string() }),
  needsApproval: true,
  execute: ({ title }) => ({ ordered: title }),
})

export default createAgent("You help the customers of a bookshop.", { name: "bookshop", tools: [order] })
