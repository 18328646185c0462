import { isWithin, type LimitedCall } from "../../core/tools/tool-limits.ts"
import { type LoadedSkills, loadSkillName, unloadSkillName } from "./loaded-skills.ts"

export const searchSkillsName = "search_skills"
export const readSkillFileName = "read_skill_file"
export const runSkillScriptName = "run_skill_script"

/** Tools for skills, which change nothing outside. */
const alwaysAllowed: ReadonlySet<string> = new Set([
  loadSkillName,
  unloadSkillName,
  searchSkillsName,
  readSkillFileName,
  // This built-in tool returns data that the model has already received.
  "tool_result_read",
])

/** Returns true if the decision about a call depends on the loaded skills. */
export function dependsOnLoaded({ toolName, origin }: LimitedCall): boolean {
  return origin !== null || toolName === unloadSkillName || !alwaysAllowed.has(toolName)
}

export interface SkillCall extends LimitedCall {
  readonly input: { readonly [key: string]: unknown }
}

export type SkillVerdict =
  | { readonly action: "allow" }
  | { readonly action: "deny"; readonly code: string; readonly message: string }

/**
 * Decides if the loaded skills allow a call. All of them must allow it. A skill that limits tools stays loaded until
 * another message starts a run, so that a model that reads hostile text cannot remove the limits by itself.
 */
export function judgeCall(
  loaded: LoadedSkills,
  excludedTools: readonly string[],
  call: SkillCall,
): SkillVerdict {
  if (call.origin === null && alwaysAllowed.has(call.toolName)) return judgeUnload(loaded, call)
  for (const skill of loaded) {
    if (isWithin(skill, call) && isWithin({ allowed: null, excluded: excludedTools }, call)) continue
    const allowed = skill.allowed === null ? "" : ` It allows: ${skill.allowed.join(", ") || "no tools"}.`
    return {
      action: "deny",
      code: "not_allowed_by_skill",
      message:
        `The skill ${JSON.stringify(skill.name)} is loaded and does not allow the tool ` +
        `${JSON.stringify(call.toolName)}, ` +
        `so the call did not run.${allowed} Continue without this tool, or tell the user what you cannot do.`,
    }
  }
  return { action: "allow" }
}

function judgeUnload(loaded: LoadedSkills, { toolName, input }: SkillCall): SkillVerdict {
  if (toolName !== unloadSkillName) return { action: "allow" }
  const skill = loaded.find(({ name }) => name === input.name)
  const isLimiting = skill !== undefined && (skill.allowed !== null || skill.excluded.length > 0)
  if (!isLimiting || skill.hasNewMessage) return { action: "allow" }
  return {
    action: "deny",
    code: "skill_in_use",
    message:
      `The skill ${JSON.stringify(skill.name)} limits tools, so it stays loaded until you have answered the user. ` +
      "You can unload it after the user's next message.",
  }
}
