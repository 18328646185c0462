import { existsSync } from "node:fs"
import { realpath } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { Skill } from "../skill.ts"
import { readStrictly } from "./front-matter.ts"
import { readOwnFields } from "./own-fields.ts"
import { readMarkdown, readSkillFiles } from "./read-files.ts"
import type { Report } from "./report.ts"
import { checkSpecification } from "./specification.ts"
import { toSkill } from "./to-skill.ts"

/** Loads a `NAME/SKILL.md` by the specification. `file` is the path of the Markdown file. */
export async function loadFolder(file: string, report: Report): Promise<Skill | null> {
  const folder = dirname(file)
  if (!existsSync(file)) {
    const remedy = "Add the file, or move the folder out of the skills folder."
    report.add("specification", null, "A skill's folder must have a file SKILL.md.", remedy)
    return null
  }
  if ((await realpath(folder)) !== join(await realpath(dirname(folder)), basename(folder))) {
    const remedy = "Copy the folder, or name the folder that it leads to in skillsDir."
    report.add("gateway", null, "A link must not lead out of the skills folder.", remedy)
    return null
  }
  const text = await readMarkdown(file, report)
  const read = text === null ? null : readStrictly(text, report)
  if (read === null) return null
  const specified = checkSpecification(read.fields, basename(folder), report)
  const own = readOwnFields(specified.metadata, "metadata.", report)
  const files = await readSkillFiles(folder, basename(file), report)
  return toSkill({ file, body: read.body, files, markdown: text ?? "" }, specified, own)
}
