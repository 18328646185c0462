import { beforeAll, expect, test } from "vitest"
import { layCable } from "../../src/adapters/stores/postgres/fixtures/cable.ts"
import { openPostgresStore } from "../../src/adapters/stores/postgres/open.ts"
import { StoreUnavailableError } from "../../src/core/errors.ts"
import type { MessageCommand } from "../../src/core/ports/store/session-log.ts"
import { systemClock } from "../../src/core/time/clock.ts"
import {
  alice,
  createStartRequest,
  say,
  silentLogger,
  startTestNode,
  type TestNode,
} from "../../src/kernel/sessions/fixtures/test-gateway.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type Postgres, startPostgres } from "../end-to-end/support/postgres.ts"
import { patienceMs } from "../patience.ts"

const onEnd = atEndOfFile()
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** Opens a node behind a cable, and a node on the same database that accepts messages but starts no work. */
async function nodes(database: string, { start }: { readonly start: boolean }) {
  const url = new URL(await postgres.createDatabase(database))
  const cable = await layCable(Number(url.port))
  const options = { clock: systemClock, logger: silentLogger }
  const outside = await openPostgresStore({ ...options, url: url.href })
  url.port = String(cable.port)
  const store = await openPostgresStore({ ...options, url: url.href })
  const answering = scriptedProvider(() => [say("Done")])
  const node = await startTestNode(answering, { store, start })
  const reader = await startTestNode(answering, { store: outside, start: false })
  onEnd(async () => {
    await Promise.all([node.stop(), reader.stop()])
    await Promise.all([store.close(), outside.close()])
  })
  return { cable, node, reader, outside }
}

function put(sessionId: string, runId: string): MessageCommand {
  return {
    ...createStartRequest(sessionId, "Hi"),
    type: "message",
    runId,
    at: Date.now(),
    outputSchema: null,
  }
}

async function responseOf(reader: TestNode, sessionId: string, runId: string) {
  const signal = AbortSignal.timeout(patienceMs)
  return (await reader.sessions.result(sessionId, runId, { signal })).response
}

test("of twenty sessions with lost claims, none stays with a process that does not know it", async () => {
  const { cable, node, reader, outside } = await nodes("sweep", { start: false })
  const runs = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const { id } = await reader.sessions.create(alice)
      await outside.log.put(put(id, `run_${index}`))
      return { id, runId: `run_${index}` }
    }),
  )
  const lost = cable.cutAtReply("UPDATE ")
  const started = node.worker.start()
  await lost
  const lostAgain = cable.cutAtReply("UPDATE ")
  cable.mend()
  await lostAgain
  cable.mend()
  await started
  const responses = runs.map(({ id, runId }) => responseOf(reader, id, runId))
  expect(await Promise.all(responses)).toEqual(runs.map(() => "Done"))
})

test("a message that was claimed with a lost reply is answered by the process that claimed it", async () => {
  const { cable, node, reader } = await nodes("putting", { start: true })
  const { id } = await node.sessions.create(alice)
  const idempotency = { key: "once", bodyHash: "hash" }
  const lost = cable.cutAtReply("UPDATE 1")
  const starting = node.sessions.start(createStartRequest(id, "Hi", { idempotency }))
  await expect(starting).rejects.toBeInstanceOf(StoreUnavailableError)
  await lost
  cable.mend()
  const again = await reader.sessions.start(createStartRequest(id, "Hi", { idempotency }))
  if (again.status !== "duplicate") throw new Error(`The message was ${again.status}.`)
  expect(await responseOf(reader, id, again.runId)).toBe("Done")
})

test("a single claim with a lost reply is found again", async () => {
  const { cable, node, reader, outside } = await nodes("claiming", { start: false })
  const { id } = await reader.sessions.create(alice)
  await outside.log.put(put(id, "run_1"))
  const lost = cable.cutAtReply("UPDATE 1")
  await node.worker.take(id)
  await lost
  cable.mend()
  await node.worker.start()
  expect(await responseOf(reader, id, "run_1")).toBe("Done")
})
