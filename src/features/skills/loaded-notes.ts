import type { LoadedSkills } from "./loaded-skills.ts"
import type { Skill } from "./skill.ts"
import { createTextPage } from "./tools/text-page.ts"

/**
 * Returns notes for the model about loaded skills of the session that are gone, or have changed since the model read
 * their instructions.
 */
export function writeChangeNotes(
  loaded: LoadedSkills,
  skills: ReadonlyMap<string, Skill>,
): readonly string[] {
  const gone = loaded.filter(({ name }) => !skills.has(name)).map(({ name }) => name)
  const changed = loaded
    .filter(({ name, digest }) => skills.has(name) && skills.get(name)?.digest !== digest)
    .map(({ name }) => name)
  return [
    ...gone.map(
      (name) =>
        `The skill ${JSON.stringify(name)}, which you loaded in this conversation, is no longer ` +
        "available: its files cannot be read " +
        "and its scripts cannot run. Its limits on tools still hold. Tell the user if you cannot " +
        "finish the task without it.",
    ),
    ...changed.map(
      (name) =>
        `The skill ${JSON.stringify(name)} has changed since you loaded it. Call load_skill again ` +
        "before you continue with it.",
    ),
  ]
}

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
