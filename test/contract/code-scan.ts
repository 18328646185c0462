import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Patterns for codes in the source. Every code that one of them finds must be documented. */
const forms = [
  /\bcode: "([a-z]+(?:_[a-z]+)*)"/g,
  // Default of a parameter.
  /\bcode = "([a-z_]+)"\)/g,
  /\bunauthorized\(\s*"([a-z_]+)"/g,
  /\bfail\(\s*context,\s*"([a-z_]+)"/g,
  /\bcreateFailure\(\s*"([a-z_]+)"/g,
  // Table of model failures.
  /^ {2}([a-z]+_[a-z_]+|overloaded): \{\s*message: /gm,
]

const sources = globSync("src/**/*.ts", { cwd: root })
  .filter((path) => !/\.test\.ts$|\/fixtures\/|^src\/(testing|client)\//.test(path))
  .map((path) => readFileSync(`${root}${path}`, "utf8"))

/** Returns every code that appears in the source in one of these forms. */
export function codesInSource(): readonly string[] {
  return sources.flatMap((source) =>
    forms.flatMap((form) => [...source.matchAll(form)].map(([, code]) => code ?? "")),
  )
}

/** Returns true if the code appears anywhere in the source as a string or as a key. */
export function isInSource(code: string): boolean {
  const word = new RegExp(`"${code}"|^ +${code}:`, "m")
  return sources.some((source) => word.test(source))
}
