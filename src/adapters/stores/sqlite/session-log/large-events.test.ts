import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "../../../../core/time/clock.ts"
import {
  commitOk,
  createEvent,
  openSession,
  startSession,
  toSeq,
} from "../../../../testing/session-log/fixtures.ts"
import { openSqliteStore } from "../open.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/**
 * Resolves to the milliseconds of processor time of 500 look-ups in a small session next to one with 20 events of
 * this size.
 */
async function lookUpsBeside(characters: number): Promise<number> {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-large-events-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const { log, close } = await openSqliteStore({ path, clock: systemClock, logger })
  onTestFinished(close)
  const { runId, lease } = await startSession(log)
  const content = [{ type: "text", text: "x".repeat(characters) }] as const
  for (let offset = 1; offset <= 20; offset++) {
    const replaced = { type: "historyReplaced", messages: [{ role: "user", content }] } as const
    await commitOk(log, { lease, entries: [createEvent(toSeq(lease, offset), runId, replaced)] })
  }
  const small = await openSession(log)
  const began = process.cpuUsage()
  for (let count = 0; count < 500; count++) await log.session(small)
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1_000
}

/**
 * An index whose keys have megabytes reads a whole key for each comparison. Such look-ups would take 100 times as
 * long.
 */
test("events of megabytes do not slow down look-ups of other sessions", async () => {
  const besideSmall = await lookUpsBeside(100)
  expect(await lookUpsBeside(1_000_000)).toBeLessThan(10 * besideSmall + 50)
})
