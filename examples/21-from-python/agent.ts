import { createAgent } from "ai-agent-gateway"
import { findOrder, limitRefunds, mcpServers, refund, skillsDir } from "./shop.ts"

export default createAgent("You are the help desk of a shop. Look an order up before you refund it.", {
  // Without a key, the example uses the offline demo, which follows simple commands.
  ...(process.env.ANTHROPIC_API_KEY && { provider: "anthropic", model: "claude-sonnet-4-6" }),
  tools: [findOrder, refund],
  interceptors: [limitRefunds],
  mcpServers,
  skillsDir,
  subAgents: { excludedTools: ["refund"], maxTurns: 15, timeoutSeconds: 300 },
  maxTurns: 20,
  maxBudgetUsd: 1,
  stepTimeoutSeconds: 300,
})
