import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from "vitest"
import { systemClock } from "../../core/time/clock.ts"
import {
  runSessionLogCase,
  sessionLogContract,
  sharedSessionLogContract,
} from "../../testing/session-log/contract.ts"
import { addLaterColumns } from "../fixtures/later-columns.ts"
import { openMemoryStore, openSqliteStore } from "./open.ts"

const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
const clock = systemClock

/** Migrates the database as a later version could. */
function addColumnsOfLaterVersion(file: string): void {
  const database = new DatabaseSync(file)
  const names = database.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  const tables = names.all().map(({ name }) => ({
    name: String(name),
    columns: database
      .prepare(`PRAGMA table_info(${name})`)
      .all()
      .map((column) => String(column.name)),
  }))
  database.exec(["BEGIN", ...addLaterColumns(tables), "COMMIT"].join(";"))
  database.close()
}

describe("the store in memory", () => {
  for (const each of sessionLogContract) {
    test(`${each.rule ?? "port"}: ${each.name}`, async () => {
      const open = () => openMemoryStore({ clock, logger })
      await runSessionLogCase(each, { open, crash: (store) => store.close() })
    })
  }
})

describe("the store on SQLite", () => {
  let [migrated, path] = ["", ""]
  beforeAll(async () => {
    migrated = mkdtempSync(join(tmpdir(), "gateway-"))
    await (await openSqliteStore({ path: migrated, clock, logger })).close()
    addColumnsOfLaterVersion(join(migrated, "gateway.db"))
  })
  afterAll(() => rmSync(migrated, { recursive: true }))
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), "gateway-"))
    copyFileSync(join(migrated, "gateway.db"), join(path, "gateway.db"))
  })
  afterEach(() => rmSync(path, { recursive: true }))

  for (const each of [...sessionLogContract, ...sharedSessionLogContract]) {
    test(`${each.rule ?? "port"}: ${each.name}`, async () => {
      const open = () => openSqliteStore({ path, clock, logger })
      await runSessionLogCase(each, { open, crash: (store) => store.close() })
    })
  }
})
