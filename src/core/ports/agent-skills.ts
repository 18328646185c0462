import type { ToolLimits } from "../tools/tool-limits.ts"

/** The skills by which sub-agents can work. */
export interface AgentSkills {
  /** Resolves to the current skills. Never rejects. */
  current(): Promise<readonly AgentSkill[]>
}

/** A skill whose instructions are a sub-agent's system prompt. Fields that the skill does not set are null. */
export interface AgentSkill {
  readonly name: string
  /** Another name by which it can be chosen: that of its file. Null if it has none. */
  readonly fileName: string | null
  readonly description: string
  readonly instructions: string
  readonly toolLimits: ToolLimits
  readonly model: string | null
  readonly provider: string | null
  readonly maxTurns: number | null
  readonly timeoutMs: number | null
  readonly maxBudgetUsd: number | null
  readonly mcpServers: readonly string[] | null
}
