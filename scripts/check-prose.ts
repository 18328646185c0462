// Checks comments and prose texts of all TypeScript files, and all pages. `npm run check` runs it. The rules are in
// prose-rules.ts and page-rules.ts.
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pageProblems } from "./page-rules.ts"
import { proseProblems } from "./prose-rules.ts"

const repository = join(import.meta.dirname, "..")
const folders = ["bench", "console", "examples", "scripts", "src", "test"]
const paths = globSync(`{${folders.join(",")}}/**/*.{ts,tsx}`, {
  cwd: repository,
  exclude: ["**/node_modules/**", "**/dist/**", "**/*.d.ts"],
}).sort()
const pages = globSync(["*.md", "docs/**/*.md", "examples/**/README.md", "templates/**/*.md"], {
  cwd: repository,
  exclude: ["**/node_modules/**"],
}).sort()
const read = (path: string) => readFileSync(join(repository, path), "utf8")
const problems = [
  ...paths.flatMap((path) => proseProblems(path, read(path))),
  ...pages.flatMap((path) => pageProblems(path, read(path))),
]
for (const problem of problems) console.error(problem)
const isChecked = paths.length > 0 && pages.length > 0
if (!isChecked) console.error("There are no files to check.")
process.exitCode = problems.length === 0 && isChecked ? 0 : 1
