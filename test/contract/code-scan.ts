import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/**
 * Forms in which the source gives a code. Every code that one of these finds has to be documented. Whatever is found
 * by one of these has to be documented.
 */
const forms = [
  /\bcode: "([a-z]+(?:_[a-z]+)*)"/g,
  // A parameter's default.
  /\bcode = "([a-z_]+)"\)/g,
  /\bunauthorized\(\s*"([a-z_]+)"/g,
  /\bfail\(\s*context,\s*"([a-z_]+)"/g,
  // The table of model failures.
  /^ {2}([a-z]+_[a-z_]+|overloaded): \{\s*message: /gm,
]

const sources = globSync("src/**/*.ts", { cwd: root })
  .filter((path) => !/\.test\.ts$|\/fixtures\/|^src\/(testing|client)\//.test(path))
  .map((path) => readFileSync(`${root}${path}`, "utf8"))

/** Every code that the source gives in one of the usual forms. */
export function codesInSource(): readonly string[] {
  return sources.flatMap((source) =>
    forms.flatMap((form) => [...source.matchAll(form)].map(([, code]) => code ?? "")),
  )
}

/** Returns true if the code stands anywhere in the source as a string or as a key. */
export function isInSource(code: string): boolean {
  const word = new RegExp(`"${code}"|^ +${code}:`, "m")
  return sources.some((source) => word.test(source))
}
