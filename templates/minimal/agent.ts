import { createAgent } from "ai-agent-gateway"

const { API_KEYS } = process.env

export const systemPrompt = "You are a concise research assistant."

export default createAgent(systemPrompt, {
  // Those who may use the agent. Without it any key is accepted, and only from this machine.
  ...(API_KEYS && { validApiKeys: API_KEYS.split(",") }),
})
