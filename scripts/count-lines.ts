// Prints the lines of `src/` that a maintainer reads as code, for each room and in total. `npm run count` runs it.
// Comments, blank lines, tests, fixtures and the contract suites in `src/testing` do not count.
import { globSync, readFileSync } from "node:fs"
import { join, sep } from "node:path"
import { parseSync } from "oxc-parser"

const source = join(import.meta.dirname, "../src")
/** These folders contain rooms of their own. */
const divided = ["adapters", "features", "kernel", "platform"]

const lines = new Map<string, number>()
const files = globSync("**/*.{ts,tsx}", { cwd: source, exclude: ["**/fixtures/**", "testing/**"] })
for (const file of files.filter((path) => !/\.test\.tsx?$/.test(path))) {
  const room = findRoom(file.split(sep))
  lines.set(room, (lines.get(room) ?? 0) + countLines(file, readFileSync(join(source, file), "utf8")))
}
const rows = [...lines].sort(([a], [b]) => (a < b ? -1 : 1))
const total = rows.reduce((sum, [, count]) => sum + count, 0)
for (const [room, count] of [...rows, ["total", total] as const]) {
  console.log(`${String(count).padStart(6)}  ${room}`)
}

/** Returns the first folder of a path, and the second one where the first one is divided. */
function findRoom(path: readonly string[]): string {
  const folders = path.slice(0, -1).slice(0, divided.includes(path[0] ?? "") ? 2 : 1)
  return folders.length === 0 ? "." : folders.join("/")
}

function countLines(path: string, text: string): number {
  const { comments, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path} cannot be parsed: ${errors[0].message}`)
  const code = comments.reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text)
  return code.split("\n").filter((line) => line.trim() !== "").length
}
