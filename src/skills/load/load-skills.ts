import { createHash } from "node:crypto"
import { type Dirent, existsSync } from "node:fs"
import { readdir, realpath } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { ConfigurationError, toError } from "../../core/errors.ts"
import type { Skill, SkillFile, SkillMistake, SkillSet } from "../skill.ts"
import { readLeniently, readStrictly } from "./front-matter.ts"
import { type OwnFields, readOwnFields } from "./own-fields.ts"
import { isLeftOut, readMarkdown, readSkillFiles } from "./read-files.ts"
import { createReport, type Report } from "./report.ts"
import { checkSpecification, type SpecifiedFields, toolPatterns } from "./specification.ts"

const maxSkills = 1_000
const maxBytes = 128 * 1024 * 1024
const maxNameCharacters = 64
const derivedDescriptionCharacters = 200

/**
 * Loads the skills of one or more folders: files `NAME.md`, and folders `NAME/SKILL.md` by the specification at
 * https://agentskills.io. A skill with a mistake is left out and its mistakes are reported, all of them. If two
 * skills have one name, the first is loaded. Files are read once, so that a change reaches only skills that are
 * loaded later. Throws a `ConfigurationError` if a folder cannot be listed.
 */
export async function loadSkills(skillsDir: string | readonly string[]): Promise<SkillSet> {
  const folders = typeof skillsDir === "string" ? [skillsDir] : skillsDir
  const skills = new Map<string, Skill>()
  const mistakes: SkillMistake[] = []
  let bytes = 0
  for (const folder of folders) {
    for (const place of await placesIn(resolve(folder))) {
      const report = createReport(place.file)
      const skill = await load(place, report)
      if (skill !== null && report.mistakes.length === 0) {
        bytes += sizeOf(skill)
        checkTogether(skill, skills, bytes, report)
        if (report.mistakes.length === 0) skills.set(skill.name, skill)
      }
      mistakes.push(...report.mistakes)
    }
  }
  return { skills: [...skills.values()], mistakes }
}

interface Place {
  readonly format: "file" | "folder"
  /** The Markdown file. */
  readonly file: string
}

async function placesIn(folder: string): Promise<readonly Place[]> {
  let entries: readonly Dirent[]
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    const message = `skillsDir: the folder ${folder} cannot be listed: ${toError(cause).message}. Make the folder, or correct the option.`
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
        return [{ format: "folder", file: markdownIn(path) }]
      }
      return []
    })
}

/** The reference implementation accepts both names. */
function markdownIn(folder: string): string {
  const [upper, lower] = [join(folder, "SKILL.md"), join(folder, "skill.md")]
  return !existsSync(upper) && existsSync(lower) ? lower : upper
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

/** Loads a `NAME.md`. All its fields are optional and stand at the top. */
async function loadFile(file: string, report: Report): Promise<Skill | null> {
  const text = await readMarkdown(file, report)
  const read = text === null ? null : readLeniently(text, report)
  if (read === null) return null
  const {
    name = basename(file, ".md"),
    description,
    license,
    compatibility,
    metadata = {},
    "allowed-tools": allowed,
    ...rest
  } = read.fields
  const fields: Record<string, unknown> = { name, description, license, compatibility }
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || typeof value === "string") continue
    report.add("gateway", field, "The field must be a text.", "Write one value on the same line.")
  }
  if (typeof metadata !== "object" || Array.isArray(metadata)) {
    report.add("gateway", "metadata", "The field must be a mapping.", "Write one entry a line, indented.")
  }
  const allowedTexts = Array.isArray(allowed) ? allowed : [allowed ?? ""]
  if (!allowedTexts.every((item) => typeof item === "string")) {
    const remedy = 'Write for example "allowed-tools: web_search read_file".'
    report.add("gateway", "allowed-tools", "The field must be a text or a list of texts.", remedy)
  }
  checkFileName(String(name).trim(), report)
  const own = readOwnFields({ ...(metadata as object), ...rest }, "", report)
  const specified: SpecifiedFields = {
    name: String(name).trim(),
    description: textOf(description) ?? own.agent.description ?? describe(read.body) ?? String(name).trim(),
    license: textOf(license),
    compatibility: textOf(compatibility),
    allowedTools: allowed === undefined ? null : allowedTexts.map(String).flatMap(toolPatterns),
    metadata: {},
  }
  return toSkill({ file, body: read.body, files: [], markdown: text ?? "" }, specified, own)
}

function checkFileName(name: string, report: Report): void {
  if (/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(name) && [...name].length <= maxNameCharacters) return
  report.add(
    "gateway",
    "name",
    `A name has 1 to ${maxNameCharacters} letters, digits, spaces, dots, hyphens and underscores, ` +
      "and starts with a letter or digit.",
    "Rename the file, or set the field.",
  )
}

/** Returns the first line of text, because files of the older form have no description. */
function describe(body: string): string | null {
  const line = body.split("\n").find((text) => text.trim() !== "" && !/^\s*(#|```|---)/.test(text))
  return line === undefined ? null : [...line.trim()].slice(0, derivedDescriptionCharacters).join("")
}

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

interface SkillContent {
  readonly file: string
  readonly body: string
  readonly files: readonly SkillFile[]
  /** The whole Markdown file. */
  readonly markdown: string
}

function toSkill(
  { file, body, files, markdown }: SkillContent,
  { metadata: _, ...specified }: SpecifiedFields,
  own: OwnFields,
): Skill {
  const hash = createHash("sha256").update(JSON.stringify([markdown, files.map(({ path }) => path)]))
  for (const { content } of files) hash.update(createHash("sha256").update(content).digest())
  return { ...specified, ...own, file, body, files, digest: hash.digest("hex").slice(0, 16) }
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

function sizeOf({ body, files }: Skill): number {
  return body.length + files.reduce((sum, { content }) => sum + content.length, 0)
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null
}
