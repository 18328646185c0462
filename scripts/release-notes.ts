// Prints the section of the changelog for a version. Throws if a package has another version, so that the release
// workflow, which runs it first, publishes only what its tag names: node scripts/release-notes.ts v1.2.3
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { checkVersions, readSection } from "./release/changelog.ts"

const repository = join(import.meta.dirname, "..")
const read = (path: string) => readFileSync(join(repository, path), "utf8")
const version = (process.argv[2] ?? "").replace(/^v/, "")

checkVersions(version, {
  gateway: JSON.parse(read("package.json")),
  create: JSON.parse(read("create/package.json")),
})
console.log(readSection(read("CHANGELOG.md"), version))
