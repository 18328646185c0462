import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "../../../../core/time/clock.ts"
import {
  commitOk,
  createEvent,
  createTextDelta,
  openSession,
  startSession,
  stepCompleted,
  toSeq,
} from "../../../../testing/session-log/fixtures.ts"
import { type Database, openDatabase } from "../database/database.ts"
import { createSoleMembership } from "../leases/membership.ts"
import { migrate } from "../migrate.ts"
import { openStore } from "../open.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const everything = { deltasSettledBefore: Number.MAX_SAFE_INTEGER, sessionsUsedBefore: 0 }

/** Opens a store that counts its transactions. */
async function openCounted() {
  const database = await openDatabase(":memory:", "process")
  await migrate(database, "in memory")
  const counted = { writes: 0 }
  const counting: Database = {
    ...database,
    write(work) {
      counted.writes += 1
      return database.write(work)
    },
  }
  const store = await openStore(counting, createSoleMembership(), {
    clock: systemClock,
    logger,
    directory: null,
  })
  onTestFinished(() => store.close())
  return { log: store.log, counted }
}

test("a transaction drops the deltas of many steps", async () => {
  const { log, counted } = await openCounted()
  const { sessionId, runId, lease } = await startSession(log)
  const steps = 2_000
  const entries = Array.from({ length: steps }, (_, step) => [
    createTextDelta(toSeq(lease, 2 * step + 1), runId, "x"),
    createEvent(toSeq(lease, 2 * step + 2), runId, stepCompleted),
  ])
  for (const step of entries) await commitOk(log, { lease, entries: step })
  counted.writes = 0
  await log.prune(everything)
  expect(counted.writes).toBeLessThan(steps / 4)
  const left = await log.read(sessionId, { afterSeq: 0, limit: 2 * steps })
  expect(left).toEqual(entries.map(([, end]) => end))
})

test("a transaction removes many sessions", async () => {
  const { log, counted } = await openCounted()
  const sessions = 1_000
  for (let created = 0; created < sessions; created += 1) await openSession(log, { at: 10 })
  counted.writes = 0
  await log.prune({ ...everything, sessionsUsedBefore: 20 })
  expect(counted.writes).toBeLessThan(sessions / 4)
})
