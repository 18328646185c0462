import { expect, test } from "vitest"
import { startPostgres } from "../crash/support/postgres.ts"
import { createRandom } from "../crash/support/random.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { play } from "./support/play.ts"

// After each kill, a process must start.

const plan = { schedules: 12, occurrences: 5, kills: 4 }

test("two processes on one SQLite store fire each occurrence once, even if either is killed", async () => {
  const store = await temporaryFolder()
  const { violations, fired } = await play({ ...plan, store, nodes: 2, random: createRandom("sqlite") })
  expect(violations).toEqual([])
  expect(fired).toBe(60)
})

test("three processes on one Postgres fire each occurrence once, even if any is killed", async () => {
  const server = await startPostgres()
  try {
    const store = await server.createDatabase("schedules")
    const { violations, fired } = await play({ ...plan, store, nodes: 3, random: createRandom("postgres") })
    expect(violations).toEqual([])
    expect(fired).toBe(60)
  } finally {
    await server.stop()
  }
})
