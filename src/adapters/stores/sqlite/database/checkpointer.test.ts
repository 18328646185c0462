import { mkdtempSync, rmSync, statSync } from "node:fs"
import { open } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, expect, test } from "vitest"
import { waitFor } from "../../../../testing/session-log/fixtures.ts"
import { migrate } from "../migrate.ts"
import { startCheckpointer } from "./checkpointer.ts"
import { type Database, openDatabase } from "./database.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

let directory = ""
let file = ""
let database: Database
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
  file = join(directory, "gateway.db")
  database = await openDatabase(file, "process")
  await migrate(database, file)
})
afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

const autocheckpoint = async () =>
  Number((await database.read(() => database.get("PRAGMA wal_autocheckpoint")))?.wal_autocheckpoint)

test("writes reach the database file while the store is open", async () => {
  const before = statSync(file).size
  const checkpointer = startCheckpointer(database, file, logger)
  await database.write(() => database.run("INSERT INTO removed_session (id) VALUES (?)", "x".repeat(100_000)))
  await waitFor("a checkpoint", async () => (statSync(file).size > before + 100_000 ? true : null))
  expect(await autocheckpoint()).toBe(0)
  await checkpointer.stop()
  await checkpointer.stop()
})

/**
 * Resolves to the number of times that SQLite has restarted the log from its beginning
 * (https://sqlite.org/fileformat2.html#walformat).
 */
async function rewinds(): Promise<number> {
  const log = await open(`${file}-wal`)
  try {
    const { buffer } = await log.read(Buffer.alloc(32), 0, 32, 0)
    return buffer.readUInt32BE(12)
  } finally {
    await log.close()
  }
}

test("a long log is written from its start again, even while others write", async () => {
  const checkpointer = startCheckpointer(database, file, logger)
  const write = (id: string) =>
    database.write(() => database.run("INSERT INTO removed_session (id) VALUES (?)", id))
  await write("x".repeat(3_000 * 4_096))
  const before = await rewinds()
  let count = 0
  await waitFor("the start of the log", async () => {
    await write(`${count++}`)
    return (await rewinds()) > before ? true : null
  })
  await checkpointer.stop()
})

test("the thread holds the writers of this process back while it restarts the log", async () => {
  await database.write(() =>
    database.run("INSERT INTO removed_session (id) VALUES (?)", "x".repeat(3_000 * 4_096)),
  )
  // Another process makes each try fail, so that the thread keeps trying.
  const other = new DatabaseSync(file, { timeout: 0 })
  other.exec("BEGIN IMMEDIATE")
  const checkpointer = startCheckpointer(database, file, logger)
  await waitFor("the hold", async () => (database.hold.isSet() ? true : null))
  other.close()
  await database.write(() => database.run("INSERT INTO removed_session (id) VALUES ('after')"))
  await checkpointer.stop()
  expect(database.hold.isSet()).toBe(false)
})

test("a checkpointer that is stopped before its thread starts never starts it", async () => {
  const checkpointer = startCheckpointer(database, file, logger)
  await checkpointer.stop()
  expect(await autocheckpoint()).toBe(1_000)
})

test("SQLite checkpoints by itself without the thread, which is logged", async () => {
  const warnings: string[] = []
  const warn = (_: object, message: string) => warnings.push(message)
  const checkpointer = startCheckpointer(database, join(directory, "missing", "file"), { ...logger, warn })
  await waitFor("the failure", async () => (warnings.length > 0 ? true : null))
  await waitFor("the usual bound", async () => ((await autocheckpoint()) === 1_000 ? true : null))
  await checkpointer.stop()
})
