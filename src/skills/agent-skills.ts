import type { AgentSkill, AgentSkills } from "../core/ports/agent-skills.ts"
import type { Skill } from "./skill.ts"
import type { SkillSource } from "./skill-source.ts"
import { limitsOf, type ToolPacks } from "./tool-packs.ts"

/** Returns the skills for sub-agents, for plugins that start sub-agents. */
export function agentSkillsOf(source: SkillSource, packs: ToolPacks): AgentSkills {
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
    description: agent.description ?? skill.description,
    instructions: body,
    toolLimits: limitsOf(skill, packs),
    model,
    provider,
    maxTurns,
    timeoutMs: timeoutSeconds === null ? null : timeoutSeconds * 1_000,
    maxBudgetUsd,
    mcpServers,
  }
}
