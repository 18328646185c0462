import type { Audience, PluginCheck } from "../../core/ports/plugin.ts"
import { describeMistake, type SkillMistake, type SkillSet } from "./skill.ts"
import { findUnknownPacks, type ToolPacks } from "./tool-packs.ts"

const maxShown = 50

/**
 * Reports the mistakes of skills to an operator. For others the check is always ok, because the gateway works without
 * the invalid skills, and does not reveal paths of its files.
 */
export function checkSkills({ skills, mistakes }: SkillSet, { isOperator }: Audience): PluginCheck {
  const count = skills.length === 1 ? "1 skill" : `${skills.length} skills`
  if (mistakes.length === 0) return { ok: true, detail: count }
  if (!isOperator) return { ok: true, detail: `${count}; some have mistakes` }
  const shown = mistakes.slice(0, maxShown).map(describeMistake)
  const more = mistakes.length > shown.length ? ` And ${mistakes.length - shown.length} more.` : ""
  return { ok: false, detail: `${count}; ${shown.join(" ")}${more}` }
}

/** Returns the requirements of skills that the agent does not meet. Such skills are loaded nevertheless. */
export function findMissingParts(
  { skills }: SkillSet,
  { packs, hasState }: { readonly packs: ToolPacks; readonly hasState: boolean },
): readonly SkillMistake[] {
  return skills.flatMap((skill): readonly SkillMistake[] => {
    const place = skill.file.endsWith("SKILL.md") || skill.file.endsWith("skill.md") ? "metadata." : ""
    const unknown = findUnknownPacks(skill, packs)
    return [
      ...unknown.map((pack) => ({
        file: skill.file,
        field: `${place}tool_packs`,
        rule: `The tool pack ${JSON.stringify(pack)} is not defined, so it is ignored.`,
        remedy: "Define it in the option skillToolPacks, or remove it.",
        source: "gateway" as const,
      })),
      ...(skill.persistState && !hasState
        ? [
            {
              file: skill.file,
              field: `${place}persist_state`,
              rule: "The agent has no file for the state of skills, so the state is not kept.",
              remedy: "Set the option skillStateFile, or remove the field.",
              source: "gateway" as const,
            },
          ]
        : []),
    ]
  })
}
