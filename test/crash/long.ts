import { parseArgs } from "node:util"
import { playBusy } from "./busy/play.ts"
import { crashPoints } from "./support/crash-points.ts"
import { inParallel } from "./support/in-parallel.ts"
import { namedRounds, randomRound, treePoints } from "./support/plans.ts"
import { startPostgres } from "./support/postgres.ts"
import { Report } from "./support/report.ts"
import { playRound, type RoundPlan } from "./support/round.ts"
import { postgresTtlMs } from "./support/test-store.ts"

/**
 * The long version of the crash suite: every crash point, then random rounds on SQLite, and a few on Postgres with
 * two nodes. To repeat a failed round, pass its seed, and its number to `--only`.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    "postgres-rounds": { type: "string", default: "10" },
    only: { type: "string" },
    /** Number of messages to 50 sessions, in every mode of `when_busy`. 0 for none. */
    "busy-messages": { type: "string", default: "1000" },
  },
})
const seed = process.env.CRASH_SEED ?? String(Date.now())
const numbers = (count: string, first = 0) =>
  Array.from({ length: Number(count) }, (_, index) => first + index)
const atOnce = 2
const resumeMs = 1_000

process.stdout.write(`CRASH_SEED=${seed}\n`)
const started = performance.now()
const sqlite = new Report({ resumeMs })
const named = values.only === undefined ? await namedRounds() : []
const random = values.only === undefined ? numbers(values.rounds) : [Number(values.only)]
await play([...named, ...random.map((number) => randomRound(seed, number))], sqlite)
for (const point of crashPoints.keys()) {
  if (named.length > 0 && !sqlite.points.has(point))
    sqlite.violations.push(`crash point ${point} was never reached`)
}
process.stdout.write(`\nSQLite, seed ${seed}\n${sqlite}\n`)

// The sessions of a dead process are free after its last heartbeat has expired, and the next sweep finds them.
const postgres = new Report({ resumeMs: postgresTtlMs + resumeMs })
const postgresRounds = values.only === undefined ? numbers(values["postgres-rounds"], 1_000) : []
if (postgresRounds.length > 0) {
  const server = await startPostgres()
  try {
    const plans = postgresRounds.map(async (number) => {
      const store = await server.createDatabase(`round_${number}`)
      return randomRound(seed, number, { store, nodes: 2 })
    })
    const store = (round: number) => server.createDatabase(`tree_${round}`)
    const ofTrees =
      values.only === undefined ? await namedRounds({ points: treePoints, store, nodes: 2 }) : []
    await play([...ofTrees, ...(await Promise.all(plans))], postgres)
    for (const point of treePoints) {
      if (ofTrees.length > 0 && !postgres.points.has(point))
        postgres.violations.push(`crash point ${point} was never reached on Postgres`)
    }
  } finally {
    await server.stop()
  }
  process.stdout.write(`\nPostgres, seed ${seed}\n${postgres}\n`)
}

const busy = values.only === undefined ? await playBusySessions(Number(values["busy-messages"])) : []

const violations = [...sqlite.violations, ...postgres.violations, ...busy]
const seconds = Math.round((performance.now() - started) / 1_000)
process.stdout.write(`\n${violations.length === 0 ? "Passed" : "FAILED"} after ${seconds} s, seed ${seed}\n`)
for (const violation of violations) process.stdout.write(`  ${violation}\n`)
process.exitCode = violations.length === 0 ? 0 : 1

/** Plays busy sessions on SQLite, and then with two nodes on one Postgres. Resolves to the violations. */
async function playBusySessions(count: number): Promise<readonly string[]> {
  if (count === 0) return []
  const sessions = 50
  const plan = { seed: `busy-${seed}`, sessions, messages: Math.ceil(count / sessions), kills: 12 }
  const server = await startPostgres()
  try {
    const found: string[] = []
    for (const nodes of [1, 2]) {
      const store = nodes === 1 ? {} : { store: await server.createDatabase("busy") }
      const { accepted, refused, violations } = await playBusy({ ...plan, ...store, nodes })
      process.stdout.write(
        `\nBusy sessions, ${nodes} nodes, seed ${seed}: ${accepted} messages accepted, ${refused} refused\n`,
      )
      found.push(...violations)
    }
    return found
  } finally {
    await server.stop()
  }
}

async function play(plans: readonly RoundPlan[], report: Report): Promise<void> {
  await inParallel(plans, atOnce, async (plan) => {
    const violations = await report.add(await playRound(plan))
    const deaths = plan.deaths.map((death) =>
      death.type === "point" ? death.point : `${death.after}+${death.ms}ms`,
    )
    process.stdout.write(`${violations.length === 0 ? "ok  " : "FAIL"} ${plan.name}: ${deaths.join(", ")}\n`)
    for (const violation of violations) process.stdout.write(`     ${violation}\n`)
  })
}
