import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { describe, expect, it } from "vitest"
import manifest from "../package.json" with { type: "json" }

const repository = join(import.meta.dirname, "..")
const entries = Object.entries(manifest.exports).flatMap(([name, entry]) =>
  typeof entry === "string" ? [] : [[name, join(repository, entry.types)] as const],
)

/** Returns the packages that a declaration file and all its imports name, each with the file that names it. */
function packagesNamedBy(entry: string): ReadonlyMap<string, string> {
  const packages = new Map<string, string>()
  const files = new Set([entry])
  for (const file of files) {
    const text = readFileSync(file, "utf8")
    for (const [, name = ""] of text.matchAll(/(?:\bfrom |\bimport\()"([^"]+)"/g)) {
      if (!name.startsWith(".")) packages.set(name, relative(repository, file))
      else files.add(join(dirname(file), name.replace(/\.[jt]s$/, ".d.ts")))
    }
  }
  return packages
}

/**
 * The packages that each entry may name. With any other package, the types would not compile if that package or the
 * types of Node are not installed.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  ".": ["zod"],
  "./testing": ["zod", "node:http"],
  "./client": [],
  "./client/view": [],
  "./react": [],
}

describe("the published types", () => {
  it.each(entries)("of %s need no package that may be missing", (name, file) => {
    const others = [...packagesNamedBy(file)].filter(([named]) => !(allowed[name] ?? []).includes(named))
    expect(others).toEqual([])
  })
})
