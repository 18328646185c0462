import { readFile } from "node:fs/promises"
import { delimiter, dirname } from "node:path"
import { parseArgs } from "node:util"
import { type AllowedDifference, allowedDifferences, findOnPage, isCovered } from "./allowed-differences.ts"
import { type Difference, describeDifference, listDifferences } from "./differences.ts"
import { playHere, playOriginal } from "./play.ts"
import type { RequestsByConversation } from "./requests.ts"
import { scripts } from "./scripts.ts"

/**
 * Plays ten scripts with the Python package 0.5.3 and with this product, on the same scripted model, and prints how
 * their requests to the model differ. Fails for a difference that the list of allowed ones does not have, and for an
 * entry of the list that no script needs or whose text the migration page does not have. Run by hand on Linux:
 *
 *   python3 -m venv /tmp/original
 *   /tmp/original/bin/pip install "ai-agent-gateway[anthropic,openai]==0.5.3" \
 *     "anthropic<1" "mcp<2" "openai<3" uvicorn matplotlib
 *   node scripts/original/compare.ts --python /tmp/original/bin/python
 */
const { values } = parseArgs({
  options: {
    /** A Python with these packages. It also runs the model's code, so it must be readable for all users. */
    python: { type: "string" },
    /** Name of a script. Default: all scripts. */
    only: { type: "string", multiple: true },
    /** Prints every difference. Default: one of each entry of the list, and all that are not allowed. */
    verbose: { type: "boolean", default: false },
  },
})
const { python, only, verbose } = values
if (python === undefined) throw new Error("Pass --python, the path of a Python that has the package.")
process.env.PATH = `${dirname(python)}${delimiter}${process.env.PATH}`

const page = await readFile(new URL("../../docs/migration.md", import.meta.url), "utf8")
const needed = new Set<AllowedDifference>()
let faults = 0

for (const script of scripts) {
  if (only !== undefined && !only.includes(script.name)) continue
  const original = await playOriginal(script, python)
  const here = await playHere(script)
  console.log(`\n${script.name}: ${count(original)} requests of 0.5.3, ${count(here)} of this package`)
  const places = new Map<AllowedDifference, Difference[]>()
  for (const difference of listDifferences(original, here)) {
    const allowed = allowedDifferences.filter((each) => isCovered(difference, script.name, each))
    for (const each of allowed) needed.add(each)
    const [first] = allowed
    if (first === undefined) report(`NOT ALLOWED: ${describeDifference(difference)}`)
    else places.set(first, [...(places.get(first) ?? []), difference])
  }
  for (const [{ page: text }, differences] of places) {
    const shown = verbose ? differences : differences.slice(0, 1)
    const further = differences.length - shown.length
    for (const difference of shown) console.log(`  ${describeDifference(difference)}`)
    console.log(`    page: ${text}${further === 0 ? "" : `, and ${further} more`}`)
  }
}
console.log()
for (const each of allowedDifferences) {
  const entry = JSON.stringify(each)
  if (findOnPage(page, each.page) === null) report(`NOT ON THE PAGE: ${entry}`)
  if (only === undefined && !needed.has(each)) report(`NOT NEEDED: no script has the difference ${entry}`)
}
console.log(faults === 0 ? "Passed: the page announces every difference." : `FAILED: ${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1

function report(fault: string): void {
  faults += 1
  console.log(`    ${fault}`)
}

function count(requests: RequestsByConversation): number {
  return Object.values(requests).flat().length
}
