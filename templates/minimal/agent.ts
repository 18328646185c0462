import { createAgent } from "ai-agent-gateway"

const { API_KEYS } = process.env

export const systemPrompt = "You are a concise research assistant."

export default createAgent(systemPrompt, {
  // With this option, only these keys are accepted. Without it, the gateway accepts any key, but only from this
  // machine.
  ...(API_KEYS && { validApiKeys: API_KEYS.split(",") }),
})
