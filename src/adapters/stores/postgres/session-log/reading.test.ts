import pg from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { logVersion } from "../../../../core/log/entries.ts"
import { packDeltas } from "../../rows/delta-rows.ts"
import type { Query } from "../database/database.ts"
import { startTestServer, type TestServer } from "../fixtures/test-server.ts"
import { readEntries } from "./reading.ts"

let server: TestServer
let client: pg.Client

beforeAll(async () => {
  server = await startTestServer()
  client = new pg.Client(server.urlOf())
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await server.stop()
})

test("one query returns few large events, and the read goes on with the next query", async () => {
  await server.ask(`
    INSERT INTO agent_gateway.session (id, tenant, user_id, agent, created_at, last_used_at)
    VALUES ('sess_large', 'tenant', 'user', 'agent', 0, 0)`)
  await server.ask(`
    INSERT INTO agent_gateway.entry (session_id, seq, v, at, run_id, type, body)
    SELECT 'sess_large', n, 1, 0, 'run_1', 'runFailed',
      '{"type":"runFailed","code":"none","message":"' || repeat('x', 400000) || '"}'
    FROM generate_series(2, 21) AS n`)
  // This row has the cursor, and nothing new.
  const delta = {
    type: "textDelta",
    stepId: "step",
    messageId: "msg",
    part: 0,
    text: "x".repeat(2_000_000),
  } as const
  const { body } = packDeltas([{ kind: "delta", seq: 1, runId: "run_1", delta }])
  await client.query(
    `INSERT INTO agent_gateway.delta (session_id, seq, last_seq, run_id, body)
     VALUES ('sess_large', 1, 1, 'run_1', $1)`,
    [body],
  )
  const counts: number[] = []
  const query: Query = async (sql, values = []) => {
    const { rows } = await client.query(sql, [...values])
    counts.push(rows.length)
    return rows
  }
  const read = (limit: number) => readEntries(query, "sess_large", { afterSeq: 1, limit, reads: logVersion })

  const entries = await read(100)
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2))
  expect(Math.max(...counts)).toBe(4)
  expect((await read(7)).map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8])
})
