import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { machineLine } from "./machine.ts"
import { measureFirstToken } from "./measure/first-token.ts"
import { measureSandbox } from "./measure/sandbox.ts"
import { measureStore } from "./measure/store.ts"
import { measureThroughput } from "./measure/throughput.ts"
import { measureViewers } from "./measure/viewers.ts"
import { firstTokenReport, sandboxReport, storeReport, throughputReport, viewersReport } from "./report.ts"
import { fullSettings, quickSettings } from "./settings.ts"

/**
 * Prints what the gateway costs, beside what can be had at most. It does not judge; it only fails when a stream did not
 * arrive whole. docs/performance.md says what each figure means.
 */
const parts = ["throughput", "first-token", "viewers", "store", "sandbox"] as const
const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    only: { type: "string", multiple: true },
  },
})
const unknown = values.only?.find((part) => !parts.some((known) => known === part))
if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${parts.join(", ")}.`)
const settings = values.quick ? quickSettings : fullSettings
const results: Record<string, unknown> = { machine: machineLine(), settings }

console.log(`${machineLine()}\n`)
await part("throughput", () => measureThroughput(settings.throughput), throughputReport)
await part("first-token", () => measureFirstToken(settings.firstToken), firstTokenReport)
await part("viewers", () => measureViewers(settings.viewers), viewersReport)
await part("store", () => measureStore(settings.store), storeReport)
await part("sandbox", () => measureSandbox(settings.sandbox), sandboxReport)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)

async function part<Result>(
  name: (typeof parts)[number],
  measure: () => Promise<Result>,
  report: (result: Result) => string,
): Promise<void> {
  if (values.only !== undefined && !values.only.includes(name)) return
  const result = await measure()
  results[name] = result
  console.log(`${report(result)}\n`)
}
