import { existsSync } from "node:fs"
import { realpath } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { toError } from "../../../core/errors.ts"
import type { Skill, SkillMistake, SkillSet } from "../skill.ts"
import { readStrictly } from "./front-matter.ts"
import { loadFile } from "./load-file.ts"
import { readOwnFields } from "./own-fields.ts"
import { readMarkdown, readSkillFiles } from "./read-files.ts"
import { createReport, type Report } from "./report.ts"
import { listSkillPlaces, type Place } from "./skill-places.ts"
import { checkSpecification } from "./specification.ts"
import { toSkill } from "./to-skill.ts"

const maxSkills = 1_000
const maxBytes = 128 * 1024 * 1024

/**
 * Loads the skills of one or more folders: files `NAME.md`, and folders `NAME/SKILL.md` by the specification at
 * https://agentskills.io. A skill with a mistake is left out, and all of its mistakes are reported. If two skills
 * have the same name, the first one is loaded. Files are read once, so a change only affects skills that are loaded
 * later. Throws a `ConfigurationError` if a folder cannot be listed.
 */
export async function loadSkills(skillsDir: string | readonly string[]): Promise<SkillSet> {
  const folders = typeof skillsDir === "string" ? [skillsDir] : skillsDir
  const skills = new Map<string, Skill>()
  const mistakes: SkillMistake[] = []
  let bytes = 0
  for (const folder of folders) {
    for (const place of await listSkillPlaces(resolve(folder))) {
      const report = createReport(place.file)
      const skill = await load(place, report)
      if (skill !== null && report.mistakes.length === 0) {
        bytes += computeSize(skill)
        checkTogether(skill, skills, bytes, report)
        if (report.mistakes.length === 0) skills.set(skill.name, skill)
      }
      mistakes.push(...report.mistakes)
    }
  }
  return { skills: [...skills.values()], mistakes }
}

async function load({ format, file }: Place, report: Report): Promise<Skill | null> {
  try {
    return format === "file" ? await loadFile(file, report) : await loadFolder(file, report)
  } catch (error) {
    const rule = `The skill cannot be read: ${toError(error).message}.`
    report.add("gateway", null, rule, "Let the gateway read all of its files.")
    return null
  }
}

function checkTogether(
  { name }: Skill,
  others: ReadonlyMap<string, Skill>,
  bytes: number,
  report: Report,
): void {
  const other = others.get(name)
  if (other !== undefined) {
    const rule = `The name ${JSON.stringify(name)} belongs to ${other.file}, which was loaded before.`
    report.add("gateway", "name", rule, "Rename one of the two.")
  }
  if (others.size >= maxSkills) {
    report.add(
      "gateway",
      null,
      `At most ${maxSkills} skills are loaded.`,
      "Remove skills, or divide them over agents.",
    )
  }
  if (bytes > maxBytes) {
    report.add(
      "gateway",
      null,
      `All skills together have at most ${maxBytes} bytes.`,
      "Remove large files, or divide the skills over agents.",
    )
  }
}

function computeSize({ body, files }: Skill): number {
  return body.length + files.reduce((sum, { content }) => sum + content.length, 0)
}

/** Loads a `NAME/SKILL.md` by the specification. `file` is the path of the Markdown file. */
async function loadFolder(file: string, report: Report): Promise<Skill | null> {
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
