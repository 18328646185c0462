import type { AgentSkill } from "../../core/ports/agent-skills.ts"
import type { ChildTask, RunLimits } from "../../core/runs/child.ts"
import type { RunRole } from "../../core/runs/run-role.ts"
import type { ResolvedSubAgentOptions } from "./options.ts"

/** The sub-agents that one run may start. */
export interface Workers {
  readonly options: ResolvedSubAgentOptions
  readonly skills: readonly AgentSkill[]
}

/** A call of `run_agent`. */
export interface Request {
  readonly task: string
  readonly agent: string | null
  readonly model: string | null
}

/** The sub-agent for a task. */
export interface Worker {
  readonly name: string
  readonly task: ChildTask
}

/** Name of a sub-agent without its own skill or agent. */
export const plainName = "sub-agent"

/** Returns the sub-agent for a request. Null if there is none with that name. */
export function chooseWorker({ options, skills }: Workers, request: Request): Worker | null {
  const { agent: name, task: text } = request
  const { maxConcurrent } = options
  const shared = { content: [{ type: "text", text } as const], maxConcurrent }
  if (name !== null && options.agents.includes(name)) {
    return { name, task: { ...shared, agent: name, ...createLimits(options, null) } }
  }
  const skill = name === null ? null : findSkill(skills, name)
  if (skill === undefined) return null
  const role = createRole(options, skill, request.model)
  return { name: role.name, task: { ...shared, role, ...createLimits(options, skill) } }
}

function findSkill(skills: readonly AgentSkill[], name: string): AgentSkill | undefined {
  return skills.find((each) => each.name === name) ?? skills.find(({ fileName }) => fileName === name)
}

function createRole(
  { excludedTools }: ResolvedSubAgentOptions,
  skill: AgentSkill | null,
  model: string | null,
): RunRole {
  const excluded = excludedTools.length === 0 ? [] : [{ allowed: null, excluded: excludedTools }]
  const chosen = model ?? skill?.model ?? null
  return {
    name: skill?.name ?? plainName,
    ...(skill !== null && { systemPrompt: skill.instructions }),
    ...(chosen !== null && { model: chosen }),
    ...(skill?.provider != null && { provider: skill.provider }),
    ...(skill?.mcpServers != null && { mcpServers: skill.mcpServers }),
    toolLimits: [...excluded, ...(skill === null ? [] : [skill.toolLimits])],
  }
}

function createLimits(
  options: ResolvedSubAgentOptions,
  skill: AgentSkill | null,
): Pick<ChildTask, "limits" | "timeoutMs"> {
  const maxTurns = skill?.maxTurns ?? options.maxTurns
  const maxBudgetUsd = skill?.maxBudgetUsd ?? options.maxBudgetUsd
  const limits: RunLimits = {
    ...(maxTurns !== undefined && { maxTurns }),
    ...(maxBudgetUsd !== undefined && { maxBudgetUsd }),
  }
  return { limits, timeoutMs: skill?.timeoutMs ?? options.timeoutSeconds * 1_000 }
}
