import { expect, test } from "vitest"
import { playBusy } from "./busy/play.ts"
import { startPostgres } from "./support/postgres.ts"

const seed = process.env.CRASH_SEED ?? String(Date.now())
const plan = { seed: `busy-${seed}`, sessions: 8, messages: 12 }

test(`messages to busy sessions keep their guarantees over kills (CRASH_SEED=${seed})`, async () => {
  const { violations, accepted } = await playBusy({ ...plan, nodes: 1, kills: 4 })
  expect(violations).toEqual([])
  expect(accepted).toBeGreaterThan(plan.sessions)
})

test(`the same holds with two nodes on one Postgres (CRASH_SEED=${seed})`, async () => {
  const server = await startPostgres()
  try {
    const store = await server.createDatabase("busy")
    const { violations } = await playBusy({ ...plan, nodes: 2, kills: 4, store })
    expect(violations).toEqual([])
  } finally {
    await server.stop()
  }
})
