import { type Dirent, existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { ConfigurationError, toError } from "../../../core/errors.ts"
import { isLeftOut } from "./read-files.ts"

/** The place of a skill, or of a missing one. */
export interface Place {
  readonly format: "file" | "folder"
  /** The Markdown file. */
  readonly file: string
}

/** Lists the skills of a folder in the order of their names. */
export async function listSkillPlaces(folder: string): Promise<readonly Place[]> {
  let entries: readonly Dirent[]
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    const message =
      `skillsDir: the folder ${folder} cannot be listed: ${toError(cause).message}. ` +
      "Create the folder, or correct the option."
    throw new ConfigurationError(message, { cause })
  }
  return entries
    .filter(({ name }) => !isLeftOut(name))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry): readonly Place[] => {
      const path = join(folder, entry.name)
      if (entry.name.endsWith(".md")) {
        return entry.name.toLowerCase() === "readme.md" ? [] : [{ format: "file", file: path }]
      }
      if (entry.isDirectory() || entry.isSymbolicLink()) {
        return [{ format: "folder", file: findMarkdown(path) }]
      }
      return []
    })
}

/** The reference implementation accepts both names. */
function findMarkdown(folder: string): string {
  const [upper, lower] = [join(folder, "SKILL.md"), join(folder, "skill.md")]
  return !existsSync(upper) && existsSync(lower) ? lower : upper
}
