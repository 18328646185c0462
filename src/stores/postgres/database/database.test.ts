import { afterAll, beforeAll, expect, test } from "vitest"
import { layCable } from "../fixtures/cable.ts"
import { startTestServer, type TestServer } from "../fixtures/test-server.ts"
import { loadDriver, openDatabase } from "./database.ts"

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
  const direct = openDatabase(driver, { connectionString: url.href }, { connections: 1, logger })
  url.port = String(cable.port)
  const slow = openDatabase(driver, { connectionString: url.href }, { connections: 1, logger })
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
