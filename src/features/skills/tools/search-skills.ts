import type { Tool } from "../../../core/ports/tools/tool.ts"
import { defineTool } from "../../../core/tools/define-tool.ts"
import { describe, searchSkills } from "../catalog.ts"
import type { Skill } from "../skill.ts"
import { searchSkillsName } from "../skill-interceptor.ts"

/**
 * Creates the tool that finds skills by their names and descriptions, for agents with more skills than the system
 * prompt can list.
 */
export function searchSkillsTool(skills: ReadonlyMap<string, Skill>): Tool {
  return defineTool({
    name: searchSkillsName,
    description: "Finds skills by words of their names and descriptions. Returns at most 20, the best first.",
    properties: { query: { type: "string", maxLength: 1_000, description: "Words of the task." } },
    required: ["query"],
    readOnly: true,
    needsApproval: false,
    async execute({ query }) {
      const found = searchSkills([...skills.values()], String(query))
      const value = found.map((skill) => ({ name: skill.name, description: describe(skill) }))
      return {
        type: "json",
        value: {
          skills: value,
          ...(value.length === 0 && { hint: "No skill has any of these words. Try other words." }),
        },
      }
    },
  })
}
