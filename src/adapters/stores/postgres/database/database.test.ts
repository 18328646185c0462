import { afterAll, beforeAll, expect, test } from "vitest"
import { layCable } from "../fixtures/cable.ts"
import { startTestServer, type TestServer } from "../fixtures/test-server.ts"
import { loadDriver, openDatabase } from "./database.ts"
import { createStatementNames, maxNames, unnamed } from "./statement-names.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

test("the locks of a failed transaction are free when it rejects", async () => {
  const driver = await loadDriver()
  const url = new URL(server.urlOf())
  const cable = await layCable(Number(url.port))
  const direct = openDatabase(
    driver,
    { connectionString: url.href },
    { connections: 1, nameStatement: unnamed, logger },
  )
  url.port = String(cable.port)
  const slow = openDatabase(
    driver,
    { connectionString: url.href },
    { connections: 1, nameStatement: unnamed, logger },
  )
  await server.ask("CREATE TABLE lockable AS SELECT 1 AS id")

  const failed = slow.transaction(async (query) => {
    await query("SELECT FROM lockable FOR UPDATE")
    // The server hears of the failure later.
    cable.silence()
    setTimeout(cable.resume, 200)
    throw new Error("The caller failed.")
  })
  await expect(failed).rejects.toThrow("The caller failed.")
  const locked = direct.transaction((query) => query("SELECT FROM lockable FOR UPDATE SKIP LOCKED"))
  expect(await locked).toHaveLength(1)
  await Promise.all([slow.close(), direct.close()])
})

test("a connection prepares each statement with values once, and a bounded number of them", async () => {
  const driver = await loadDriver()
  const nameStatement = createStatementNames()
  const database = openDatabase(
    driver,
    { connectionString: server.urlOf() },
    { connections: 1, nameStatement, logger },
  )
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < maxNames + 20; number++) {
      const [row] = await database.query(`SELECT $1::int + ${number} AS sum`, [round])
      expect(row).toEqual({ sum: round + number })
    }
  }
  await database.transaction((query) => query("SELECT $1::int + 0 AS sum", [1]))
  expect(await database.query("SELECT count(*)::int AS count FROM pg_prepared_statements")).toEqual([
    { count: maxNames },
  ])
  await database.close()
})
