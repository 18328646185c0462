/** The image that `agent-gateway sandbox build` makes. */
export const defaultImage = "ai-agent-gateway-sandbox:1"
