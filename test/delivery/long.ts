import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { createRandom } from "../crash/support/random.ts"
import { play } from "./support/play.ts"

/** 500 kills around deliveries by webhook, Telegram, Slack and e-mail, against real servers. */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    /** Stores that are worked on at once. */
    lanes: { type: "string", default: "2" },
  },
})
const seed = process.env.CRASH_SEED ?? String(Date.now())
const lanes = Number(values.lanes)
process.stdout.write(`CRASH_SEED=${seed}\n`)

const played = Array.from({ length: lanes }, async (_, lane) => {
  const store = await mkdtemp(join(tmpdir(), "agent-gateway-delivery-"))
  try {
    const kills = Math.ceil(Number(values.kills) / lanes)
    return await play({ store, kills, random: createRandom(`${seed} ${lane}`) })
  } finally {
    await rm(store, { recursive: true, force: true })
  }
})
for (const { kills, runs, repetitions, unknown, violations } of await Promise.all(played)) {
  process.stdout.write(
    `${kills} kills, ${runs} runs, ${repetitions} webhooks repeated under their id, ` +
      `in doubt ${JSON.stringify(unknown)}, ${violations.length} violations\n`,
  )
  for (const violation of violations) process.stdout.write(`  ${violation}\n`)
  if (violations.length > 0) process.exitCode = 1
}
