import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { createFailure } from "../../../core/tools/define-tool.ts"
import type { Skill } from "../skill.ts"

const maxNames = 50

export function createUnknownSkillResult(skills: ReadonlyMap<string, Skill>, name: string): ToolResult {
  const names = [...skills.keys()].slice(0, maxNames).join(", ")
  return createFailure(
    "unknown_skill",
    `There is no skill ${JSON.stringify(name.slice(0, 100))}; it may have been removed. ` +
      `${names === "" ? "There are no skills." : `The skills are: ${names}${skills.size > maxNames ? ", …" : ""}.`}`,
  )
}
