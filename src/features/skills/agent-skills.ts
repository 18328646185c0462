import type { AgentSkill, AgentSkills } from "../../core/ports/agent-skills.ts"
import type { RunRole } from "../../core/runs/run-role.ts"
import { nameFile } from "./find-skill.ts"
import type { Skill, SkillSet } from "./skill.ts"
import type { SkillSource } from "./skill-source.ts"
import { computeToolLimits, type ToolPacks } from "./tool-packs.ts"

/** Returns the skills for sub-agents, for plugins that start sub-agents. */
export function createAgentSkills(source: SkillSource, packs: ToolPacks): AgentSkills {
  return {
    async current() {
      const { skills } = await source.current()
      return skills.filter(({ agent }) => agent.callable).map((skill) => toAgentSkill(skill, packs))
    },
  }
}

function toAgentSkill(skill: Skill, packs: ToolPacks): AgentSkill {
  const { name, body, agent } = skill
  const { model, provider, maxTurns, timeoutSeconds, maxBudgetUsd, mcpServers } = agent
  return {
    name,
    fileName: nameFile(skill),
    description: agent.description ?? skill.description,
    instructions: body,
    toolLimits: computeToolLimits(skill, packs),
    model,
    provider,
    maxTurns,
    timeoutMs: timeoutSeconds === null ? null : timeoutSeconds * 1_000,
    maxBudgetUsd,
    mcpServers,
  }
}

/** Returns the skill that is the role of a sub-agent, if the skill has a state. */
export function findStatefulSkill({ skills }: SkillSet, role: RunRole | null): Skill | null {
  // A sub-agent without a skill has the agent's own system prompt.
  if (role?.systemPrompt === undefined) return null
  return skills.find(({ name, persistState }) => persistState && name === role.name) ?? null
}
