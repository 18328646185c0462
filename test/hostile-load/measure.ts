import { parseArgs } from "node:util"
import type { ClientReport } from "./fixtures/client.ts"
import { distributionOf } from "./support/distribution.ts"
import { runLoadTest } from "./support/load-test.ts"

/**
 * Measures the additional delay of a client while another one sends the most expensive requests that the gateway
 * allows, and the memory of the gateway. Fails if one of the limits below is exceeded.
 */
const { values } = parseArgs({
  options: {
    "idle-seconds": { type: "string", default: "15" },
    seconds: { type: "string", default: "60" },
    /** Folder for a CPU profile of the gateway. */
    profile: { type: "string" },
    /** If true, prints the end of the gateway's log. */
    log: { type: "boolean", default: false },
  },
})
const maxLaterMs = 100
const maxMemoryBytes = 1e9

const { profile } = values
const result = await runLoadTest({
  idleMs: Number(values["idle-seconds"]) * 1_000,
  attackMs: Number(values.seconds) * 1_000,
  nodeOptions: profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`],
})
const { idle, attacked, attacker } = result

for (const [name, outcomes] of Object.entries(attacker.outcomes)) {
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${count} x ${outcome}`)
  print(`attack: ${name}: ${counts.join(", ") || "none ended"}`)
}
if (values.log) print(result.log)
const later = [
  compare("/health", idle.health, attacked.health),
  compare("first token", idle.firstToken, attacked.firstToken),
]
printOwnDelay("alone", idle)
printOwnDelay("attacked", attacked)
print(
  `CPU seconds: gateway ${result.gatewayCpuSeconds.toFixed(1)}, attacker ${attacker.cpuSeconds.toFixed(1)}`,
)
print(`peak memory of the gateway: ${Math.round(result.peakMemoryBytes / 1e6)} MB`)

const problems = [
  ...counted([...idle.failures, ...attacked.failures]),
  ...later.filter((ms) => !(ms <= maxLaterMs)).map((ms) => `${ms.toFixed(1)} ms later at p99`),
  ...(result.peakMemoryBytes < maxMemoryBytes ? [] : ["the gateway took 1 GB or more"]),
]
print(problems.length === 0 ? "Passed" : `FAILED\n${problems.join("\n")}`)
process.exitCode = problems.length === 0 ? 0 : 1

/** Returns the increase of the 99th percentile. */
function compare(name: string, alone: readonly number[], attacked: readonly number[]): number {
  const [before, during] = [distributionOf(alone), distributionOf(attacked)]
  for (const [phase, each] of [
    ["alone", before],
    ["attacked", during],
  ] as const) {
    print(
      `${name}, ${phase}, ms of ${each.count}: ${(["p50", "p90", "p99", "max"] as const).map((key) => `${key} ${each[key].toFixed(1)}`).join(", ")}`,
    )
  }
  const keys = ["p50", "p90", "p99", "max"] as const
  print(
    `${name}, later by, ms: ${keys.map((key) => `${key} ${(during[key] - before[key]).toFixed(1)}`).join(", ")}`,
  )
  return during.p99 - before.p99
}

function counted(failures: readonly string[]): readonly string[] {
  const groups = Map.groupBy(failures, (failure) => failure)
  return [...groups].map(([failure, { length }]) => `not served: ${length} x ${failure}`)
}

function printOwnDelay(phase: string, { ownDelayMs }: ClientReport): void {
  print(`the client's own event loop, ${phase}: p99 ${ownDelayMs.toFixed(1)} ms`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
