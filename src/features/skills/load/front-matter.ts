import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
} from "yaml"
import { toError } from "../../../core/errors.ts"
import { isJsonObject, type JsonObject, nestsTooDeep } from "../../../core/json/json.ts"
import type { SkillMistake } from "../skill.ts"
import type { Report } from "./report.ts"

export interface FrontMatter {
  /** All scalars are strings. */
  readonly fields: JsonObject
  readonly body: string
}

/** Maximum characters of a front matter. The specification's fields need less than 2 000. */
const maxCharacters = 32_000
/** Characters that YAML does not allow (YAML 1.2.2, section 5.1). */
const unprintable = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/**
 * Splits a `SKILL.md` like the specification's reference implementation: the front matter ends at the next `---`,
 * wherever that is. Returns null and reports the reason if it cannot be read.
 */
export function readStrictly(text: string, report: Report): FrontMatter | null {
  const add = (rule: string, remedy: string) => report.add("specification", null, rule, remedy)
  if (!text.startsWith("---")) {
    const mark = text.startsWith("\ufeff") ? " Save the file without a byte order mark." : ""
    add("The file must start with YAML front matter.", `Make the first line "---".${mark}`)
    return null
  }
  const end = text.indexOf("---", 3)
  if (end === -1) {
    add("The front matter has no end.", 'Add a line "---" after its last field.')
    return null
  }
  const fields = parse(text.slice(3, end), report, { strict: true })
  return fields === null ? null : { fields, body: text.slice(end + 3).trim() }
}

/** Splits a `NAME.md`, whose front matter is optional and ends with a line `---`. */
export function readLeniently(text: string, report: Report): FrontMatter | null {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/)
  const end = lines[0]?.trim() === "---" ? lines.findIndex((line, at) => at > 0 && line.trim() === "---") : -1
  if (end === -1) return { fields: {}, body: text.trim() }
  const fields = parse(lines.slice(1, end).join("\n"), report, { strict: false })
  const body = lines.slice(end + 1).join("\n")
  return fields === null ? null : { fields, body: body.trim() }
}

function parse(yaml: string, report: Report, { strict }: { readonly strict: boolean }): JsonObject | null {
  const source = strict ? "specification" : "gateway"
  if (yaml.length > maxCharacters) {
    const rule = `The front matter has ${yaml.length} characters, more than the ${maxCharacters} allowed.`
    report.add("gateway", null, rule, "Move text from the front matter into the body.")
    return null
  }
  const lines = new LineCounter()
  let value: unknown
  try {
    // The failsafe schema makes every scalar a string, like the reference implementation.
    const document = parseDocument(yaml, {
      schema: "failsafe",
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
    })
    for (const { message, pos } of document.errors) {
      addYamlMistake(report, {
        source,
        field: null,
        problem: `${message} (line ${lines.linePos(pos[0]).line})`,
      })
    }
    if (unprintable.test(yaml)) {
      addYamlMistake(report, { source, field: null, problem: "it has control characters" })
    }
    if (document.errors.length > 0) return null
    // The fields are checked nevertheless, so that all mistakes are reported at once.
    if (strict) {
      for (const found of findStrictProblems(document, yaml, lines))
        addYamlMistake(report, { source, ...found })
    }
    value = document.toJS()
  } catch (error) {
    // The parser recurses, so nesting that is deep enough overflows the stack.
    report.add(source, null, `The front matter cannot be parsed: ${toError(error).message}.`, "Simplify it.")
    return null
  }
  if (value === null && !strict) return {}
  if (!isJsonObject(value) || nestsTooDeep(value)) {
    report.add(
      source,
      null,
      "The front matter must be a YAML mapping.",
      'Write fields such as "name: my-skill", one on each line.',
    )
    return null
  }
  return value
}

interface YamlProblem {
  /** The top-level field that contains it. Null if no field does. */
  readonly field: string | null
  readonly problem: string
}

function addYamlMistake(
  report: Report,
  { source, field, problem }: YamlProblem & Pick<SkillMistake, "source">,
): void {
  report.add(
    source,
    field,
    `The front matter is not valid YAML: ${toOneLine(problem)}.`,
    "Put a text with special characters in quotes, and write lists and mappings with one entry a line.",
  )
}

/**
 * Finds YAML that the reference implementation refuses, because it reads StrictYAML
 * (https://hitchdev.com/strictyaml).
 */
function findStrictProblems(document: Document, yaml: string, lines: LineCounter): readonly YamlProblem[] {
  const problems = new Map<string, YamlProblem>()
  const add = (field: string | null, problem: string) =>
    problems.set(JSON.stringify([field, problem]), { field, problem })
  const text = yaml.split("")
  visit(document, (_key, node, path) => {
    const field = findField(path)
    if (isAlias(node)) add(field, "aliases are not allowed")
    if (!isNode(node)) return
    if (!isAlias(node) && node.anchor !== undefined) add(field, "anchors are not allowed")
    if (node.tag !== undefined) add(field, "tags are not allowed")
    if (isCollection(node) && node.flow === true) {
      add(field, "lists and mappings in brackets are not allowed")
    }
    if (isScalar(node) && node.type !== "PLAIN" && node.range) text.fill("x", node.range[0], node.range[1])
    if (isMap(node)) {
      const columns = node.items.flatMap(({ value }) =>
        isMap(value) && value.range ? [lines.linePos(value.range[0]).col] : [],
      )
      if (new Set(columns).size > 1) add(field, "mappings side by side must have the same indentation")
    }
  })
  const tab = text.join("").split("\n").findIndex(hasTab)
  if (tab !== -1) add(null, `tabs are only allowed in quotes (line ${tab + 1})`)
  return [...problems.values()]
}

/** The path starts with the document and its mapping. */
function findField(path: readonly unknown[]): string | null {
  const pair = path[2]
  return isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : null
}

function hasTab(line: string): boolean {
  const comment = /(?:^|[ \t])#/.exec(line)?.index ?? line.length
  return line.slice(0, comment).includes("\t")
}

function toOneLine(text: string): string {
  return text.replace(/\s+/g, " ").replace(/\.$/, "")
}
