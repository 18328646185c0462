// Checks comments and prose texts of all TypeScript files. `npm run check` runs it; the rules are in prose-rules.ts.
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { proseProblems } from "./prose-rules.ts"

const repository = join(import.meta.dirname, "..")
const folders = ["bench", "console", "examples", "scripts", "src", "test"]
const paths = globSync(`{${folders.join(",")}}/**/*.{ts,tsx}`, {
  cwd: repository,
  exclude: ["**/node_modules/**", "**/dist/**", "**/*.d.ts"],
}).sort()
const problems = paths.flatMap((path) => proseProblems(path, readFileSync(join(repository, path), "utf8")))
for (const problem of problems) console.error(problem)
if (paths.length === 0) console.error("There are no files to check.")
process.exitCode = problems.length === 0 && paths.length > 0 ? 0 : 1
