import { createAgent } from "ai-agent-gateway"

export default createAgent("You help the user plan, and remember what they tell you.", {
  // Memory belongs to users, so they must be told apart.
  validApiKeys: [process.env.APP_KEY ?? "dev"],
  memory: { recallAtStart: 3, retentionDays: 365 },
})
