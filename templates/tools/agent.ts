import { createAgent } from "ai-agent-gateway"
import { systemPrompt, tools } from "./tools.ts"

const { API_KEYS } = process.env

export default createAgent(systemPrompt, {
  tools,
  // With this option, only these keys are accepted. Without it, the gateway accepts any key, but only from this
  // machine.
  ...(API_KEYS && { validApiKeys: API_KEYS.split(",") }),
})
