import { createAgent } from "ai-agent-gateway"

export default createAgent("You help the user plan, and remember what they tell you.", {
  // Memories belong to users, so the gateway must be able to tell users apart.
  validApiKeys: [process.env.APP_KEY ?? "dev"],
  memory: { recallAtStart: 3, retentionDays: 365 },
})
