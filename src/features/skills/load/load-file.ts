import { basename } from "node:path"
import type { Skill } from "../skill.ts"
import { readLeniently } from "./front-matter.ts"
import { readOwnFields } from "./own-fields.ts"
import { readMarkdown } from "./read-files.ts"
import type { Report } from "./report.ts"
import { type SpecifiedFields, splitToolPatterns } from "./specification.ts"
import { toSkill } from "./to-skill.ts"

const maxNameCharacters = 64
const derivedDescriptionCharacters = 200

/** Loads a `NAME.md`. All its fields are optional and at the top level. */
export async function loadFile(file: string, report: Report): Promise<Skill | null> {
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
    report.add(
      "gateway",
      "metadata",
      "The field must be a mapping.",
      "Write one entry on each line, indented.",
    )
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
    description: readText(description) ?? own.agent.description ?? describe(read.body) ?? String(name).trim(),
    license: readText(license),
    compatibility: readText(compatibility),
    allowedTools: allowed === undefined ? null : allowedTexts.map(String).flatMap(splitToolPatterns),
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

function readText(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null
}
