import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { largeResultsSchemas } from "../src/features/large-results/options.ts"
import { memorySchema } from "../src/features/memory/options.ts"
import { codeExecutionSchema } from "../src/features/sandbox/code-execution/options.ts"
import { schedulesSchemas } from "../src/features/schedules/options.ts"
import { subAgentsSchema } from "../src/features/sub-agents/options.ts"
import { optionSchemas } from "../src/gateway/options/agent-options.ts"
import { httpLimits } from "../src/http/limits/http-limits.ts"
import { compactionSchemas } from "../src/kernel/compaction/options.ts"
import { storageBounds } from "../src/kernel/sessions/options.ts"

const repository = join(import.meta.dirname, "..")
const allOptions: Readonly<Record<string, z.ZodType>> = {
  ...optionSchemas.createGateway,
  ...optionSchemas.createGatewayApp,
  ...optionSchemas.createAgent,
}
const limits: Readonly<Record<string, z.ZodType>> = { ...httpLimits, ...storageBounds }

/** Returns the default as the tables write it. Null if there is none, or if a table must describe it in words. */
function writtenDefault(schema: z.ZodType): string | null {
  const { success, data } = schema.safeParse(undefined)
  if (!success) return null
  if (typeof data === "number") return String(data)
  if (typeof data === "boolean") return String(data)
  if (typeof data === "string") return JSON.stringify(data)
  return Array.isArray(data) && data.length === 0 ? "[]" : null
}

const units = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** Parses a default such as `16 000`, `4 MiB` or a text in back quotes. */
function readDefault(written: string): string {
  const [, digits, unit] = /^((?:\d[\d ]*\d|\d)(?:\.\d+)?) ?(KiB|MiB|GiB)?/.exec(written) ?? []
  if (digits !== undefined) {
    return String(
      Number(digits.replaceAll(" ", "")) * (unit === undefined ? 1 : units[unit as keyof typeof units]),
    )
  }
  return /^`([^`]*)`/.exec(written)?.[1] ?? written.trim()
}

/** The defaults in docs/reference.md by option, for rows about one option. */
const tableDefaults = new Map(
  [...readFileSync(join(repository, "docs/reference.md"), "utf8").matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)]
    .map(([, name = "", value = ""]): [string, string] => [name, value])
    // A table further down may contain an option of the same name. The first one counts.
    .reverse(),
)

describe("the tables of docs/reference.md", () => {
  it.each(Object.entries({ ...allOptions, ...limits }))("have the default of %s", (name, schema) => {
    const expected = writtenDefault(schema)
    const written = tableDefaults.get(name)
    if (expected === null || written === undefined) return
    expect(readDefault(written)).toBe(expected)
  })
})

describe("the section createGatewayApp of docs/reference.md", () => {
  const page = readFileSync(join(repository, "docs/reference.md"), "utf8")
  /** The text of each section, by its title. */
  const sections = new Map(
    page.split(/^#{2,3} /m).map((text): [string, string] => [text.slice(0, text.indexOf("\n")), text]),
  )
  const own = sections.get("createGatewayApp") ?? ""
  const whole = [...own.matchAll(/^\| \[(.+?)\]\(.*?\) \| all \|$/gm)].map(([, title = ""]) =>
    sections.get(title),
  )
  const rows = [own, ...whole].join("\n").matchAll(/^\|.*\|$/gm)
  const named = new Set([...rows].flatMap(([row]) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name)))

  it.each(Object.keys(optionSchemas.createGatewayApp))("has %s", (name) => {
    expect(named.has(name)).toBe(true)
  })
})

/** Returns the options of a feature whose option is `true` or an object. */
function optionsIn(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return optionsIn(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodUnion) {
    return Object.assign({}, ...schema.options.map((option) => optionsIn(option as z.ZodType)))
  }
  return schema instanceof z.ZodObject ? schema.shape : {}
}

/** The tables of features, with the prefix of the names and the column of the default. */
const featureTables = [
  { page: "docs/code-execution.md", schema: codeExecutionSchema, prefix: "", column: 1 },
  { page: "docs/memory.md", schema: memorySchema, prefix: "", column: 1 },
  { page: "docs/schedules.md", schema: schedulesSchemas.allowSchedules, prefix: "", column: 1 },
  { page: "docs/sub-agents.md", schema: subAgentsSchema, prefix: "", column: 1 },
  { page: "docs/context.md", schema: compactionSchemas.compaction, prefix: "compaction.", column: 2 },
  { page: "docs/context.md", schema: largeResultsSchemas.largeResults, prefix: "largeResults.", column: 2 },
]
/** Defaults that a table describes in words. */
const describedDefaults = ["image", "backends", "models"]

describe.each(featureTables)("the table of $page", ({ page, schema, prefix, column }) => {
  const rows = [...readFileSync(join(repository, page), "utf8").matchAll(/^\| option.*\n(?:\|.*\n)+/gm)]
    .flatMap(([table]) => table.split("\n"))
    // A `|` inside a cell is escaped.
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))

  it.each(Object.entries(optionsIn(schema)))("has %s with its default", (name, option) => {
    const row = rows.find(([, first = ""]) => new RegExp(`^\`${prefix}${name}\\b`).test(first))
    expect(row, `${page} has a row for ${name}`).toBeDefined()
    const expected = writtenDefault(option)
    if (expected === null || expected === '""' || describedDefaults.includes(name)) return
    expect(readDefault(row?.[column + 1] ?? "")).toBe(expected)
  })
})

interface Declaration {
  readonly comment: string
  readonly type: string
}

/** Returns the commented members of all interfaces in the package's types. */
function declarations(): ReadonlyMap<string, readonly Declaration[]> {
  const found = new Map<string, Declaration[]>()
  const files = new Set([join(repository, "dist/index.d.ts")])
  const member = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)\??: ([^;]+);/g
  for (const file of files) {
    const text = readFileSync(file, "utf8")
    for (const [, path = ""] of text.matchAll(/from "(\.[^"]+)"/g)) {
      files.add(join(dirname(file), path.replace(/\.[jt]s$/, ".d.ts")))
    }
    for (const [, comment = "", name = "", type = ""] of text.matchAll(member)) {
      const words = comment.replace(/\s*\n?\s*\*\s?/g, " ").trim()
      found.set(name, [...(found.get(name) ?? []), { comment: words, type }])
    }
  }
  return found
}

describe("the declarations that editors show", () => {
  const found = declarations()

  it.each(Object.entries({ ...allOptions, ...limits }))("have a comment and a type of %s", (name, schema) => {
    const ofName = found.get(name) ?? []
    const expected = writtenDefault(schema)
    // A hook has no default. Without one, nothing is called.
    const isHook = schema.safeParse(() => undefined).success
    const isRequired = !schema.safeParse(undefined).success
    const fitting = ofName.filter(({ comment, type }) => {
      const value = /Default:? (.*)$/.exec(comment)?.[1]
      if (type.trim() === "") return false
      if (value === undefined) return isRequired || isHook || name === "limits" || name === "rateLimits"
      return expected === null || !/^\d+$/.test(expected) || readDefault(value) === expected
    })
    expect({ name, declared: ofName, fitting: fitting.length > 0 }).toMatchObject({ fitting: true })
  })
})
