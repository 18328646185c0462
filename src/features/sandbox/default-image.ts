/** The image that `agent-gateway sandbox build` builds. */
export const defaultImage = "ai-agent-gateway-sandbox:1"
