import type { Audience, PluginCheck } from "../../core/ports/plugin.ts"
import { describeMistake, type SkillSet } from "./skill.ts"

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
