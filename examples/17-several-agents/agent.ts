import { createGateway, tool } from "ai-agent-gateway"
import { z } from "zod"

const orders = new Map([["1001", { item: "Kettle, 1.7 l", status: "shipped", price: 39 }]])
const articles = [
  { title: "Descaling a kettle", text: "Boil equal parts of water and vinegar, then rinse twice." },
  { title: "Caring for stoneware", text: "Let it cool down before you wash it." },
]

const findOrder = tool({
  name: "find_order",
  description: "Look up an order by its number.",
  inputSchema: z.object({ number: z.string() }),
  readOnly: true,
  execute: ({ number }) => orders.get(number) ?? { status: "unknown" },
})

const refund = tool({
  name: "refund",
  description: "Refund an order.",
  inputSchema: z.object({ number: z.string() }),
  execute: ({ number }) => ({ refunded: orders.get(number)?.price ?? 0 }),
})

const search = tool({
  name: "search",
  description: "Search the articles for a word.",
  inputSchema: z.object({ word: z.string() }),
  readOnly: true,
  execute: ({ word }) => articles.filter(({ text }) => text.toLowerCase().includes(word.toLowerCase())),
})

export default createGateway({
  agents: {
    // The default agent, because it is the first one.
    support: {
      systemPrompt: "You help customers of a small shop with their orders.",
      tools: [findOrder, refund],
      // This policy applies only to the calls of this agent.
      needsApproval: ({ toolName }) => toolName === "refund",
      maxTurns: 10,
    },
    research: {
      systemPrompt: "You answer questions from the shop's articles, and you name the article.",
      tools: [search],
      maxTurns: 20,
    },
  },
})
