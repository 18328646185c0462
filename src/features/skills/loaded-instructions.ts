import type { LoadedSkills } from "./loaded-skills.ts"
import type { Skill } from "./skill.ts"
import { createTextPage } from "./tools/text-page.ts"

/** Returns the instructions of loaded skills, so that they survive a summary of the conversation. */
export function listLoadedInstructions(
  loaded: LoadedSkills,
  skills: ReadonlyMap<string, Skill>,
  maxBytes: number,
): readonly string[] {
  return loaded.flatMap(({ name }) => {
    const skill = skills.get(name)
    if (skill === undefined) return []
    const { text, nextOffset } = createTextPage(skill.body, 0, maxBytes)
    const rest =
      nextOffset === null
        ? ""
        : `\n[Call read_skill_file with the path SKILL.md and the offset ${nextOffset} for the rest.]`
    return [`Instructions of the skill ${JSON.stringify(name)}, which is loaded:\n${text}${rest}`]
  })
}
