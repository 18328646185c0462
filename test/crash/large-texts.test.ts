import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { openSqliteStore } from "../../src/adapters/stores/sqlite/open.ts"
import { claimSession } from "../../src/testing/session-log/fixtures.ts"
import { largeContent, type StoredLarge } from "./fixtures/large-writer.ts"

const writer = fileURLToPath(new URL("./fixtures/large-writer.ts", import.meta.url))
const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const rounds = 6

/** Starts a process that stores large texts, and kills it when it has reported this many. */
async function writeAndKill(path: string, reports: number): Promise<readonly StoredLarge[]> {
  const stored: StoredLarge[] = []
  const child = fork(writer, [path], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const exited = once(child, "exit")
  child.on("message", (report) => {
    stored.push(report as StoredLarge)
    // The next text is being stored.
    if (stored.length === reports) setImmediate(() => child.kill("SIGKILL"))
  })
  await exited
  expect(stored.length).toBeGreaterThanOrEqual(reports)
  return stored
}

test("large messages and events survive a kill whole, and the chunks of unfinished ones are removed", async () => {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-large-texts-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const stored: StoredLarge[] = []
  for (let round = 1; round <= rounds; round++) stored.push(...(await writeAndKill(path, round)))
  let now = Date.now()
  const { log, close } = await openSqliteStore({ path, clock: { now: () => now }, logger })
  onTestFinished(close)
  const run = stored.filter(({ type }) => type === "run").map(({ sessionId }) => sessionId)
  for (const sessionId of run) {
    const [entry] = await log.read(sessionId, { afterSeq: 0, limit: 10 })
    expect(entry?.kind === "event" && entry.event).toMatchObject({
      type: "runStarted",
      content: largeContent,
    })
  }
  for (const { type, sessionId } of stored) {
    if (type !== "message" || run.includes(sessionId)) continue
    // Its run may have started without a report.
    const [entry] = await log.read(sessionId, { afterSeq: 0, limit: 10 })
    const [command] = await log.pending(await claimSession(log, sessionId))
    if (entry === undefined) expect(command).toMatchObject({ input: { content: largeContent } })
    else expect(entry).toMatchObject({ event: { content: largeContent } })
  }
  now += 3_600_000
  await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 0 })
  const file = new DatabaseSync(join(path, "gateway.db"), { readOnly: true })
  onTestFinished(() => file.close())
  const unused = file
    .prepare(
      `SELECT count(*) AS count FROM content_chunk
       WHERE content_id NOT IN (SELECT text_id FROM command WHERE text_id IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.body LIKE 'chunks:' || content_id || ':%')`,
    )
    .get()
  expect(unused?.count).toBe(0)
})
