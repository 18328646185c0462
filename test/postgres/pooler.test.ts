import { beforeAll, expect, test } from "vitest"
import { openPostgresStore } from "../../src/adapters/stores/postgres/open.ts"
import {
  alice,
  putAccepted,
  say,
  silentLogger,
  startTestNode,
} from "../../src/kernel/sessions/fixtures/test-gateway.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type Postgres, startPostgres } from "../end-to-end/support/postgres.ts"
import { patienceMs } from "../patience.ts"
import { startPgBouncer } from "./support/pgbouncer.ts"

const onEnd = atEndOfFile()
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** Executes many runs at once on a store at this URL. Returns their responses and the warnings. */
async function work(url: string) {
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
  const store = await openPostgresStore({ url, logger })
  const node = await startTestNode(
    scriptedProvider(() => [say("Done")]),
    { store },
  )
  const signal = AbortSignal.timeout(patienceMs)
  const responses = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { id } = await node.sessions.create(alice)
      for (let message = 1; message < 5; message++) {
        const { runId } = await putAccepted(node, id, "Hi")
        await node.sessions.result(id, runId, { signal })
      }
      const { runId } = await putAccepted(node, id, "Hi")
      return (await node.sessions.result(id, runId, { signal })).response
    }),
  )
  await node.stop()
  await store.close()
  return { responses, warnings }
}

test("behind PgBouncer in transaction mode no statement is prepared, and a warning says so", async () => {
  const url = await startPgBouncer(await postgres.createDatabase("pooled"), onEnd)
  const { responses, warnings } = await work(url)
  expect(responses).toEqual(Array(20).fill("Done"))
  expect(warnings).toEqual([expect.stringContaining("behind a connection pooler")])
})

test("what PgBouncer must accept, and what it changes, is said at the start", async () => {
  const url = await postgres.createDatabase("strict")
  const strict = await startPgBouncer(url, onEnd, { ignores: "extra_float_digits" })
  const opening = openPostgresStore({ url: strict, logger: silentLogger })
  await expect(opening).rejects.toThrow("ignore_startup_parameters = statement_timeout,lock_timeout,")
  const { warnings } = await work(await startPgBouncer(url, onEnd))
  for (const change of ["prepares no statements", "do not notify", "Time limits"]) {
    expect(warnings[0]).toContain(change)
  }
})

test("a direct connection is not taken for a pooler", async () => {
  const { responses, warnings } = await work(await postgres.createDatabase("direct"))
  expect(responses).toEqual(Array(20).fill("Done"))
  expect(warnings).toEqual([])
})
