import { readFileSync } from "node:fs"

const page = readFileSync(new URL("../../docs/http-api.md", import.meta.url), "utf8")

/** Returns the cells of the tables under a heading of docs/http-api.md, without the header rows. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(/^(?=#{2,3} )/m).find((part) => part.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`docs/http-api.md has no heading "${heading}".`)
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, ...cells]) => cells)
    .filter(([first]) => first !== "`code`" && first !== "`type`")
}

/** Returns the words in back quotes. Quoted values do not count. */
function words(cell = ""): readonly string[] {
  return [...cell.matchAll(/`([a-z_]+)`/g)].map(([, word]) => word ?? "")
}

/** Returns the documented problems in the form `409 run_active`. */
export function documentedProblems(): readonly string[] {
  return rowsUnder("### Codes of refused requests").map(([code, status]) => `${status} ${words(code)}`)
}

/** Returns the codes of refused requests, of failed runs and of tools. */
export function documentedCodes(): ReadonlySet<string> {
  return new Set([
    "request_refused",
    ...["refused requests", "failed runs", "tool errors"].flatMap((kind) =>
      rowsUnder(`### Codes of ${kind}`).flatMap(([codes]) => words(codes)),
    ),
  ])
}

/** Returns the documented fields of each event by its type. */
export function documentedEvents(): Readonly<Record<string, readonly string[]>> {
  const rows = rowsUnder("## Event streams")
  return Object.fromEntries(rows.map(([type, fields]) => [words(type)[0], [...words(fields)].sort()]))
}

export function mentions(text: string): boolean {
  return page.includes(text)
}
