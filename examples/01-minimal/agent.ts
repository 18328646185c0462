import { createAgent } from "ai-agent-gateway"

export default createAgent("You are a concise research assistant.")
