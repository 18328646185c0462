import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { inParallel } from "../crash/support/in-parallel.ts"
import { createRandom } from "../crash/support/random.ts"
import { play } from "./support/play.ts"

/**
 * 500 kills around deliveries by webhook, Telegram, Slack and e-mail to real servers. Each store has only a few
 * kills, because a row becomes dead after twenty processes have died during its delivery.
 */
const { values } = parseArgs({
  options: {
    stores: { type: "string", default: "50" },
    /** Number of kills for each store. */
    kills: { type: "string", default: "10" },
    /** Number of stores to test at once. Most of the time, a test waits until the claim of a dead process ends. */
    lanes: { type: "string", default: "6" },
  },
})
const seed = process.env.CRASH_SEED ?? String(Date.now())
process.stdout.write(`CRASH_SEED=${seed}\n`)

const numbers = Array.from({ length: Number(values.stores) }, (_, number) => number)
const total = { kills: 0, runs: 0, repetitions: 0, violations: 0 }
const inDoubt: Record<string, number> = {}
await inParallel(numbers, Number(values.lanes), async (number) => {
  const store = await mkdtemp(join(tmpdir(), "agent-gateway-delivery-"))
  try {
    const random = createRandom(`${seed} ${number}`)
    const { kills, runs, repetitions, unknown, violations } = await play({
      store,
      kills: Number(values.kills),
      random,
    })
    total.kills += kills
    total.runs += runs
    total.repetitions += repetitions
    total.violations += violations.length
    for (const [channel, count] of Object.entries(unknown)) inDoubt[channel] = (inDoubt[channel] ?? 0) + count
    for (const violation of violations) process.stdout.write(`  store ${number}: ${violation}\n`)
  } finally {
    await rm(store, { recursive: true, force: true })
  }
})
process.stdout.write(
  `${total.kills} kills, ${total.runs} runs, ${total.repetitions} webhooks repeated under their id, ` +
    `in doubt ${JSON.stringify(inDoubt)}, ${total.violations} violations\n`,
)
process.exitCode = total.violations === 0 ? 0 : 1
