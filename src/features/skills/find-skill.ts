import { basename } from "node:path"
import type { Skill } from "./skill.ts"

/** Returns the skill of this name, or else the one that is the file `NAME.md`. Undefined if there is neither. */
export function findSkill(skills: ReadonlyMap<string, Skill>, name: string): Skill | undefined {
  return skills.get(name) ?? [...skills.values()].find((skill) => nameFile(skill) === name)
}

/** Returns the name of a skill's own file `NAME.md`. Null for a folder, which has the name of its skill. */
export function nameFile({ file }: Skill): string | null {
  const name = basename(file)
  return name.toLowerCase() === "skill.md" ? null : name.replace(/\.md$/, "")
}
