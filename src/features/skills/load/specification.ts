import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import type { Report } from "./report.ts"

/** The fields of https://agentskills.io/specification. */
export interface SpecifiedFields {
  readonly name: string
  readonly description: string
  readonly license: string | null
  readonly compatibility: string | null
  readonly allowedTools: readonly string[] | null
  readonly metadata: JsonObject
}

const maxNameCharacters = 64
const maxDescriptionCharacters = 1024
const maxCompatibilityCharacters = 500
const known = new Set(["name", "description", "license", "compatibility", "metadata", "allowed-tools"])

/** Checks the front matter of a folder by the specification. Its limits count characters, not UTF-16 code units. */
export function checkSpecification(fields: JsonObject, folder: string, report: Report): SpecifiedFields {
  for (const field of Object.keys(fields)) {
    if (known.has(field)) continue
    report.add(
      "specification",
      field,
      "The specification has no such field.",
      `Write it under "metadata", or remove it.`,
    )
  }
  return {
    name: checkName(fields.name, folder, report),
    description: checkDescription(fields.description, report),
    license: readText(fields.license),
    compatibility: checkCompatibility(fields.compatibility, report),
    allowedTools: checkAllowedTools(fields["allowed-tools"], report),
    metadata: isJsonObject(fields.metadata) ? fields.metadata : {},
  }
}

function checkName(value: unknown, folder: string, report: Report): string {
  const add = (rule: string, remedy: string) => report.add("specification", "name", rule, remedy)
  const name = typeof value === "string" ? value.trim().normalize("NFKC") : ""
  if (name === "") {
    add(
      "The field is required and must be a text that is not empty.",
      `Add "name: ${folder}" to the front matter.`,
    )
    return name
  }
  const length = [...name].length
  if (length > maxNameCharacters) {
    add(
      `A name has at most ${maxNameCharacters} characters; this one has ${length}.`,
      "Shorten it, and the folder's name with it.",
    )
  }
  if (name !== name.toLowerCase()) {
    add("A name must be in lower case.", `Write "${name.toLowerCase()}", and rename the folder to it.`)
  }
  if (name.startsWith("-") || name.endsWith("-")) {
    add("A name must not start or end with a hyphen.", "Remove the hyphen.")
  }
  if (name.includes("--")) add("A name must not have two hyphens in a row.", "Remove one of them.")
  if (!/^[\p{L}\p{N}-]*$/u.test(name)) {
    add(
      "A name has only letters, digits and hyphens.",
      "Replace spaces and underscores with hyphens, and remove the rest.",
    )
  }
  if (folder.normalize("NFKC") !== name) {
    add(
      `The name must be that of its folder, which is ${JSON.stringify(folder)}.`,
      "Rename the folder or the skill.",
    )
  }
  return name
}

function checkDescription(value: unknown, report: Report): string {
  const add = (rule: string, remedy: string) => report.add("specification", "description", rule, remedy)
  const description = typeof value === "string" ? value : ""
  if (description.trim() === "") {
    add(
      "The field is required and must be a text that is not empty.",
      "Say in one or two sentences what the skill does and when to use it.",
    )
    return ""
  }
  const length = [...description].length
  if (length > maxDescriptionCharacters) {
    add(
      `A description has at most ${maxDescriptionCharacters} characters; this one has ${length}.`,
      "Move the details into the body.",
    )
  }
  return description.trim()
}

function checkCompatibility(value: unknown, report: Report): string | null {
  if (value === undefined) return null
  const add = (rule: string, remedy: string) => report.add("specification", "compatibility", rule, remedy)
  if (typeof value !== "string") {
    add("The field must be a text.", 'Write for example "compatibility: Requires Python 3.12".')
    return null
  }
  const length = [...value].length
  if (length > maxCompatibilityCharacters) {
    add(
      `A compatibility note has at most ${maxCompatibilityCharacters} characters; this one has ${length}.`,
      "Shorten it.",
    )
  }
  return value
}

/**
 * Checks `allowed-tools`. Its tools are separated by spaces, but not within parentheses: `Bash(git add:*) Read`. The
 * reference implementation accepts any value. The gateway refuses values that it could not enforce.
 */
function checkAllowedTools(value: unknown, report: Report): readonly string[] | null {
  if (value === undefined) return null
  const texts = Array.isArray(value) ? value : [value]
  if (texts.every((text) => typeof text === "string")) return texts.flatMap(splitToolPatterns)
  report.add(
    "gateway",
    "allowed-tools",
    "The field must be a text with tools separated by spaces.",
    'Write for example "allowed-tools: web_search read_file".',
  )
  return []
}

/** Splits a list of tools at spaces and commas outside of parentheses. */
export function splitToolPatterns(text: string): readonly string[] {
  return text.match(/(?:\([^)]*\)?|[^\s,(])+/g) ?? []
}

function readText(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null
}
