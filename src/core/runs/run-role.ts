import type { ToolLimits } from "../tools/tool-limits.ts"

/** The role of a sub-agent. It replaces parts of the agent's definition for one run, and is stored with the run. */
export interface RunRole {
  /** Name that people and the model see. */
  readonly name: string
  /** Instructions in place of the agent's system prompt. Default: the agent's own. */
  readonly systemPrompt?: string
  /** Model in place of the agent's. Default: the agent's own. */
  readonly model?: string
  /** Name of the provider in place of the agent's. Default: the agent's own. */
  readonly provider?: string
  /** Names of the MCP servers whose tools the run has. Default: all of the agent's. */
  readonly mcpServers?: readonly string[]
  /** Limits on its calls. A call must satisfy all of them. Default: none. */
  readonly toolLimits?: readonly ToolLimits[]
}
