import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from "vitest"
import { systemClock } from "../../../core/time/clock.ts"
import {
  runSessionLogCase,
  sessionLogContract,
  sharedSessionLogContract,
} from "../../../testing/session-log/contract.ts"
import { migrateSqliteLater } from "./fixtures/migrate-later.ts"
import { openMemoryStore, openSqliteStore } from "./open.ts"

const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
const clock = systemClock

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
    migrateSqliteLater(join(migrated, "gateway.db"))
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
