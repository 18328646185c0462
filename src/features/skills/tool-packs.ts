import type { ToolLimits } from "../../core/tools/tool-limits.ts"
import type { Skill } from "./skill.ts"

/** Patterns of tools by the name of their group. */
export type ToolPacks = Readonly<Record<string, readonly string[]>>

/**
 * Returns the limits of a skill, with its packs expanded. A pack that is not defined is ignored. A skill without
 * `allowed-tools` and defined packs allows any tool.
 */
export function computeToolLimits(skill: Skill, packs: ToolPacks): ToolLimits {
  const { allowedTools, toolPacks, extraExcludedTools } = skill
  const defined = toolPacks.filter((name) => Object.hasOwn(packs, name))
  const fromPacks = defined.flatMap((name) => packs[name] ?? [])
  const isLimited = allowedTools !== null || defined.length > 0
  return {
    allowed: isLimited ? [...new Set([...(allowedTools ?? []), ...fromPacks])] : null,
    excluded: extraExcludedTools,
  }
}

/** Returns the packs of the skill that are not defined. */
export function findUnknownPacks({ toolPacks }: Skill, packs: ToolPacks): readonly string[] {
  return toolPacks.filter((name) => !Object.hasOwn(packs, name))
}
