import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { startPostgres } from "../crash/support/postgres.ts"
import { createRandom } from "../crash/support/random.ts"
import { type Played, play } from "./support/play.ts"

/** A thousand occurrences with two processes on one SQLite store, and with three on one Postgres, with kills. */
const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "50" },
    occurrences: { type: "string", default: "20" },
    kills: { type: "string", default: "30" },
  },
})
const seed = process.env.CRASH_SEED ?? String(Date.now())
const [schedules, occurrences, kills] = [values.schedules, values.occurrences, values.kills].map(Number) as [
  number,
  number,
  number,
]
const plan = { schedules, occurrences, kills }
process.stdout.write(`CRASH_SEED=${seed}\n`)

const folder = await mkdtemp(join(tmpdir(), "agent-gateway-schedules-"))
try {
  report(
    "SQLite, 2 processes",
    await play({ ...plan, store: folder, nodes: 2, random: createRandom(`${seed} a`) }),
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}
const server = await startPostgres()
try {
  const store = await server.createDatabase("schedules")
  report("Postgres, 3 processes", await play({ ...plan, store, nodes: 3, random: createRandom(`${seed} b`) }))
} finally {
  await server.stop()
}

function report(name: string, { fired, kills, violations }: Played): void {
  process.stdout.write(
    `${name}: ${fired} occurrences fired, ${kills} kills, ${violations.length} violations\n`,
  )
  for (const violation of violations) process.stdout.write(`  ${violation}\n`)
  if (violations.length > 0) process.exitCode = 1
}
