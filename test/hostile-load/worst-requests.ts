import { parseArgs } from "node:util"
import { distributionOf } from "./support/distribution.ts"
import { type Phase, runWorstRequests } from "./support/worst-requests-test.ts"

/**
 * Measures the delay of the event loop of a gateway's process while sixteen users send the worst requests of one
 * route at once. Fails if one of the limits below is exceeded.
 */
const { values } = parseArgs({
  options: {
    "idle-seconds": { type: "string", default: "15" },
    /** Seconds of the attack with each kind of requests. */
    seconds: { type: "string", default: "5" },
    /** Part of the names of the requests to measure. */
    only: { type: "string", default: "" },
    /** If true, the gateway stores its sessions on a Postgres server. */
    postgres: { type: "boolean", default: false },
    /** Folder for a CPU profile of the gateway. */
    profile: { type: "string" },
    /** If true, prints the end of the gateway's log. */
    log: { type: "boolean", default: false },
  },
})
const maxLaterMs = 10
const maxHeapBytes = 512e6

/** The gateway runs as the Dockerfile of `agent-gateway init` starts it. */
const recommended = "--max-semi-space-size=16"
const { profile, only } = values
const result = await runWorstRequests({
  idleMs: Number(values["idle-seconds"]) * 1_000,
  attackMs: Number(values.seconds) * 1_000,
  isChosen: (name) => name.includes(only),
  usesPostgres: values.postgres,
  nodeOptions: [recommended, ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`])],
})
if (values.log) print(result.log)
print("own event loop delay p99, max (with the wait for a CPU) | over idle at p99 | heap MB | /health p99 |")
print("first token p50, p99 | requests")
print(`${describe(result.idle)} | idle`)
const problems: string[] = []
for (const attack of result.attacks) {
  const counts = Object.entries(attack.outcomes).map(([outcome, count]) => `${count} x ${outcome}`)
  print(`${describe(attack)} | ${attack.name}: ${counts.join(", ")}`)
  const laterMs = attack.loop.delayMs.p99 - result.idle.loop.delayMs.p99
  if (!(laterMs <= maxLaterMs)) problems.push(`${attack.name}: ${laterMs.toFixed(1)} ms later at p99`)
  if (attack.loop.peakHeapBytes >= maxHeapBytes) problems.push(`${attack.name}: a heap of 512 MB or more`)
  problems.push(...new Set(attack.client.failures.map((failure) => `${attack.name}: not served: ${failure}`)))
}
print(`peak memory of the gateway: ${Math.round(result.peakMemoryBytes / 1e6)} MB`)
print(problems.length === 0 ? "Passed" : `FAILED\n${problems.join("\n")}`)
process.exitCode = problems.length === 0 ? 0 : 1

function describe({ loop, client }: Phase): string {
  const { p99, max } = loop.ownDelayMs
  const all = loop.delayMs
  const health = distributionOf(client.health)
  const token = distributionOf(client.firstToken)
  const heap = Math.round(loop.peakHeapBytes / 1e6)
  const list = (...times: readonly number[]) => times.map((ms) => ms.toFixed(1)).join(", ")
  const delays = `${list(p99, max)} (${list(all.p99, all.max)})`
  const { ownDelayMs, delayMs } = result.idle.loop
  const over = `${list(p99 - ownDelayMs.p99)} (${list(all.p99 - delayMs.p99)})`
  return [delays, over, heap, list(health.p99), list(token.p50, token.p99)].join(" | ")
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
