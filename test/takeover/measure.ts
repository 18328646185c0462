import { parseArgs } from "node:util"
import { inParallel } from "../crash/support/in-parallel.ts"
import { type Cluster, startCluster } from "./support/cluster.ts"
import { type Fault, playRound, type RoundResult } from "./support/round.ts"

/**
 * Measures the time until another node continues the sessions of a failed node, with three real gateway processes on
 * Postgres. Checks that no work is done twice. Each round moves five sessions.
 */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "40" },
    outages: { type: "string", default: "10" },
    "outage-seconds": { type: "string", default: "30" },
    pauses: { type: "string", default: "10" },
    /** Number of databases to test at once. Outages are mostly idle time. */
    databases: { type: "string", default: "2" },
  },
})

/** Milliseconds of a pause, longer than the time to live of a heartbeat. */
const pauseMs = 6_000

const results = [
  await measure("kill", Number(values.kills), 1, { type: "kill" }),
  await measure("pause", Number(values.pauses), 1, { type: "pause", ms: pauseMs }),
  await measure("outage", Number(values.outages), Number(values.databases), {
    type: "outage",
    ms: Number(values["outage-seconds"]) * 1_000,
  }),
]
const violations = results.flat().flatMap((result) => result.violations)
for (const violation of violations) process.stdout.write(`${violation}\n`)
process.stdout.write(violations.length === 0 ? "Passed\n" : `FAILED: ${violations.length} violations\n`)
process.exitCode = violations.length === 0 ? 0 : 1

async function measure(
  name: string,
  rounds: number,
  databases: number,
  fault: Fault,
): Promise<readonly RoundResult[]> {
  if (rounds === 0) return []
  const names = Array.from({ length: Math.min(databases, rounds) }, (_, index) => `${name}${index + 1}`)
  const clusters = await Promise.all(names.map(startCluster))
  const free: Cluster[] = [...clusters]
  const played: RoundResult[] = []
  try {
    const numbers = Array.from({ length: rounds }, (_, index) => index + 1)
    await inParallel(numbers, clusters.length, async (number) => {
      const cluster = free.pop()
      if (cluster === undefined) throw new Error("No cluster is free.")
      const result = await playRound(cluster, `${name}-${number}`, fault)
      free.push(cluster)
      played.push(result)
      process.stdout.write(`${name} ${number}: ${result.claimedMs.join(" ")}\n`)
    })
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.stop()))
  }
  process.stdout.write(
    `${name}: ${distribution(
      "claimed",
      played.flatMap(({ claimedMs }) => claimedMs),
    )}\n`,
  )
  process.stdout.write(
    `${name}: ${distribution(
      "resumed",
      played.flatMap(({ resumedMs }) => resumedMs),
    )}\n`,
  )
  return played
}

function distribution(what: string, times: readonly number[]): string {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
  const shares = [0.1, 0.5, 0.9, 0.95, 0.99].map((share) => `p${share * 100} ${at(share)}`)
  return `${what} ${sorted.length}, ms: min ${sorted[0]}, ${shares.join(", ")}, max ${sorted.at(-1)}`
}
