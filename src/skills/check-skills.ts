import type { Audience, PluginCheck } from "../core/ports/plugin.ts"
import { describeMistake, type SkillSet } from "./skill.ts"

const maxShown = 50

/**
 * Reports the mistakes of skills to an operator. To others the check is always ok, because the gateway works without
 * the skills that have mistakes, and it does not show paths of its files.
 */
export function checkSkills({ skills, mistakes }: SkillSet, { isOperator }: Audience): PluginCheck {
  const count = skills.length === 1 ? "1 skill" : `${skills.length} skills`
  if (mistakes.length === 0) return { ok: true, detail: count }
  if (!isOperator) return { ok: true, detail: `${count}; some have mistakes` }
  const shown = mistakes.slice(0, maxShown).map(describeMistake)
  const more = mistakes.length > shown.length ? ` And ${mistakes.length - shown.length} more.` : ""
  return { ok: false, detail: `${count}; ${shown.join(" ")}${more}` }
}
