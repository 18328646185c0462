import { parseArgs } from "node:util"
import { leftOver, type Sample, soak } from "./support/soak.ts"

/**
 * Measures whether a gateway leaks anything over a long time: heap after a collection, descriptors, timers and
 * connections. Fails if the heap grows by more than the share below, or if anything else is left over.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    rounds: { type: "string", default: "12" },
  },
})
const maxGrowth = 0.05
/** Number of samples in each compared mean. A single sample of the heap may include garbage. */
const compared = 3

const rounds = Math.max(2 * compared, Number(values.rounds))
const totalMs = Number(values.minutes) * 60_000
const warmUpMs = totalMs / 5
const samples = await soak({
  warmUpMs,
  roundMs: (totalMs - warmUpMs) / rounds,
  rounds,
  onSample(sample, counts) {
    const turns = Object.values(counts).reduce((sum, count) => sum + count, 0)
    process.stdout.write(`after ${turns} turns: ${describe(sample)}\n`)
  },
})

const before = mean(samples.slice(0, compared))
const after = mean(samples.slice(-compared))
const growth = after / before - 1
process.stdout.write(
  `heap: ${megabytes(before)} at first, ${megabytes(after)} at last (${percent(growth)})\n`,
)
const first = samples[0]
const last = samples.at(-1)
const problems = [
  ...(growth <= maxGrowth ? [] : [`the heap grew by ${percent(growth)}`]),
  ...(first === undefined || last === undefined ? ["there are no samples"] : leftOver(first, last)),
]
process.stdout.write(problems.length === 0 ? "Passed\n" : `FAILED\n${problems.join("\n")}\n`)
process.exitCode = problems.length === 0 ? 0 : 1

function describe({ heapUsed, rss, descriptors, resources }: Sample): string {
  const active = Object.entries(resources).map(([kind, count]) => `${count} ${kind}`)
  return `heap ${megabytes(heapUsed)}, memory ${megabytes(rss)}, ${descriptors} descriptors, ${active.join(", ")}`
}

function mean(some: readonly Sample[]): number {
  return some.reduce((sum, { heapUsed }) => sum + heapUsed, 0) / some.length
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
