import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { type ExportEntries, exportEntries, originalNames } from "./original-names.ts"

const root = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")
const page = read("docs/migration-reference.md")

interface Row {
  /** The texts in back quotes of the first cell. */
  readonly names: readonly string[]
  readonly counterpart: string
}

interface Section {
  /** The texts in back quotes of the heading. */
  readonly names: readonly string[]
  readonly title: string
  readonly rows: readonly Row[]
}

const inBackQuotes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)

/** The parts of the page between two headings, with the rows of their tables that name something of the package. */
const sections: readonly Section[] = page.split(/^#{2,3} /m).map((text) => {
  const [title = "", ...lines] = text.split("\n")
  const rows = lines.flatMap((line) => {
    const [, first = "", counterpart = ""] = /^\| (.+?) \| (.+) \|$/.exec(line) ?? []
    return first.includes("`") && !first.startsWith("[") ? [{ names: inBackQuotes(first), counterpart }] : []
  })
  return { title, names: inBackQuotes(title), rows }
})
const rows = sections.flatMap((section) => section.rows)
const namesOf = (section: Section) => section.rows.flatMap((row) => row.names)
const sectionWith = (title: string) => sections.find((section) => section.title === title) ?? { rows: [] }

/** Returns what the page does not say about an export. */
function findMissing({ name, signature, parts, methods }: ExportEntries): readonly string[] {
  const own = sections.filter((section) => section.names.includes(name))
  const listed = own.flatMap(namesOf)
  if (own.length > 0) return [...parts, ...methods].filter((part) => !listed.includes(part))
  const all = rows.flatMap((row) => row.names)
  const withClass = methods.map((method) => `${name}.${method}`)
  return [signature, ...withClass].filter((entry) => !all.includes(entry))
}

describe("docs/migration-reference.md", () => {
  test.each(exportEntries)("has $name with each of its fields, their defaults and its methods", (entry) => {
    expect(findMissing(entry)).toEqual([])
  })

  test.each([
    ["Events", originalNames.events],
    ["Requests", originalNames.requests],
  ])("has each field of the table %s", (title, entries) => {
    const listed = sectionWith(title).rows.map(({ names: [name = "", ...fields] }) => [name, fields])
    expect(Object.fromEntries(listed)).toEqual(entries)
  })

  test.each([
    ["Routes", originalNames.routes],
    ["Environment", originalNames.environment],
    ["Error codes", originalNames.errorCodes],
  ])("has each entry of the table %s", (title, entries) => {
    expect(
      sectionWith(title)
        .rows.flatMap(({ names }) => names)
        .toSorted(),
    ).toEqual(entries.toSorted())
  })

  test("has no name that the Python package does not have", () => {
    const { events, requests, routes, environment, errorCodes } = originalNames
    const known = new Set([
      ...exportEntries.flatMap(({ name, signature, parts, methods }) => [
        ...[signature, ...parts, ...methods],
        ...methods.map((method) => `${name}.${method}`),
      ]),
      ...[events, requests].flatMap((entries) => Object.entries(entries).flat(2)),
      ...[...routes, ...environment, ...errorCodes],
    ])
    expect(rows.flatMap(({ names }) => names).filter((name) => !known.has(name))).toEqual([])
  })

  test("says of each name what to use instead, or why there is nothing", () => {
    const isEmpty = ({ counterpart }: Row) => /^(?:None\.?|\W*)$/.test(counterpart)
    expect(rows.filter(isEmpty).map(({ names }) => names.join(", "))).toEqual([])
  })

  test("names only counterparts that exist", () => {
    const others = globSync("docs/*.md", { cwd: root, exclude: ["docs/migration*.md"] })
    const sources = globSync("src/**/*.ts", { cwd: root, exclude: ["**/*.test.ts", "**/fixtures/**"] })
    const known = new Set([...others, ...sources].map(read).flatMap(toWords))
    for (const word of [...exportEntries.flatMap(({ signature }) => toWords(signature)), ...onlyInPython])
      known.add(word)
    const used = rows.flatMap(({ counterpart }) => inBackQuotes(counterpart)).flatMap(toWords)
    expect(used.filter((word) => !known.has(word))).toEqual([])
  })
})

/** Names of the Python package that cells mention, and that are not parameters or fields of an export. */
const onlyInPython = [
  "should_cache",
  "base_url",
  "last_delay_seconds",
  "stdout_tail",
  "dimensions",
  "alerts",
  "next_session",
]

/** Returns the identifiers of a piece of code. */
function toWords(code: string): readonly string[] {
  return code.match(/[A-Za-z_]\w+/g) ?? []
}
