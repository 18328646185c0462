import { afterAll, beforeAll, expect, test } from "vitest"
import { waitFor } from "../../../../testing/session-log/fixtures.ts"
import { startTestServer, type TestServer } from "../fixtures/test-server.ts"
import { openPostgresStore } from "../open.ts"

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const stored = 50_000
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const open = () => openPostgresStore({ url: server.urlOf(), logger, ttlMs: 60_000 })

/** Returns the number of sessions that statements have read one after another, without an index. */
const readInOrder = async () =>
  Number(
    await server.countOf(
      `SELECT seq_tup_read AS count FROM pg_stat_user_tables
       WHERE schemaname = 'agent_gateway' AND relname = 'session'`,
    ),
  )

/** Resolves when the server has counted what the connections of a closed store have read. */
const countsWritten = () =>
  waitFor("the end of the connections", async () => {
    const others = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'ai-agent-gateway%'"
    return (await server.countOf(others)) === "0" ? true : null
  })

test("a look for work reads no stored session without work, even if many runs are parked", async () => {
  const busy = await open()
  await server.ask(`
    INSERT INTO agent_gateway.session
      (id, tenant, user_id, agent, created_at, last_used_at, active_run, owner, parked_until)
    SELECT 'sess_' || n, 'tenant', 'user_' || n % 1000, 'agent', n, n,
      CASE WHEN n <= 3000 THEN 'run_' || n END,
      CASE WHEN n <= 100 THEN (SELECT id FROM agent_gateway.process WHERE expires_at > clock_timestamp() LIMIT 1) END,
      CASE WHEN n BETWEEN 101 AND 3000 THEN 99999999999999 ELSE 0 END
    FROM generate_series(1, ${stored}) AS n`)
  await server.ask("ANALYZE agent_gateway.session")
  const before = await readInOrder()
  const idle = await open()
  for (let round = 0; round < 3; round++) expect(await idle.log.claimRunnable(["agent"], 10)).toEqual([])
  await server.ask(`
    INSERT INTO agent_gateway.command (session_id, run_id, type, body, due_at)
    VALUES ('sess_40000', 'run_x', 'message', '{}', 0)`)
  expect(await idle.log.claimRunnable(["agent"], 10)).toMatchObject([{ sessionId: "sess_40000" }])
  await Promise.all([busy.close(), idle.close()])
  await countsWritten()
  expect((await readInOrder()) - before).toBeLessThan(stored)
})
