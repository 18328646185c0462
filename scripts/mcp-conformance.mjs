import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"

/**
 * Runs the published conformance suite of MCP with a gateway as the client, for the requirements of each revision.
 * Exits with 1 if a required scenario fails.
 * node scripts/mcp-conformance.mjs [REVISION …] [SCENARIO …]
 */
const given = process.argv.slice(2)
const isRevision = (word) => /^\d{4}-\d{2}-\d{2}$/.test(word)
const revisions = given.some(isRevision) ? given.filter(isRevision) : ["2025-11-25", "2026-07-28"]
const chosen = given.filter((word) => !isRevision(word))
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const suite = file("../node_modules/@modelcontextprotocol/conformance")
const results = mkdtempSync(join(tmpdir(), "mcp-conformance-"))

/** Returns the scenarios that the suite's own list requires of clients. */
function required(revision) {
  const list = readFileSync(join(suite, "requirements", `${revision}.yaml`), "utf8")
  const [, section = ""] = /^client:\n((?: {2}- .+\n)+)/m.exec(list) ?? []
  const scenarios = [...section.matchAll(/- (.+)/g)].map(([, name]) => name)
  if (scenarios.length === 0) throw new Error(`The suite requires nothing of clients of ${revision}.`)
  return chosen.length === 0 ? scenarios : scenarios.filter((name) => chosen.includes(name))
}

/** Resolves to true if the scenario passed. */
async function run({ revision, scenario }) {
  const child = spawn(process.execPath, [
    join(suite, "dist/index.js"),
    "client",
    ...["--command", `${process.execPath} ${file("mcp-conformance-client.ts")}`],
    ...["--scenario", scenario, "--spec-version", revision],
    ...["--timeout", "120000"],
    ...["--output-dir", join(results, revision)],
  ])
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await once(child, "close")
  console.log(`${code === 0 ? "✓" : "✗"} ${revision} ${scenario}`)
  if (code !== 0) console.log((await output).join(""))
  return code === 0
}

// Each scenario starts its own gateway, so running all of them at once would overload the machine.
const waiting = revisions.flatMap((revision) =>
  required(revision).map((scenario) => ({ revision, scenario })),
)
const total = waiting.length
let passed = 0
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (await run(next)) passed += 1
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work))
console.log(`${passed} of ${total} required scenarios passed.`)
if (passed === total) rmSync(results, { recursive: true })
else console.log(`The results are in ${results}.`)
process.exit(passed === total ? 0 : 1)
