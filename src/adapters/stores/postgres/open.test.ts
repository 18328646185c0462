import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ConfigurationError, StoreUnavailableError } from "../../../core/errors.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import {
  runSessionLogCase,
  sessionLogContract,
  sharedSessionLogContract,
} from "../../../testing/session-log/contract.ts"
import {
  cancel,
  commitOk,
  createEvent,
  createMessage,
  openSession,
  startSession,
  stepStarted,
  toSeq,
  waitFor,
} from "../../../testing/session-log/fixtures.ts"
import {
  createApproval,
  createEnding,
  createOpening,
  createWait,
  decider,
} from "../../../testing/session-log/waits/wait-fixtures.ts"
import { findNewestVersion } from "../rules/schema-versions.ts"
import { createMigrationConfig, loadDriver, openDatabase } from "./database/database.ts"
import { unnamed } from "./database/statement-names.ts"
import { layCable } from "./fixtures/cable.ts"
import { type ProcessOverCable, startTestServer, type TestServer } from "./fixtures/test-server.ts"
import { migrate, migrationLock } from "./migrate.ts"
import { openPostgresStore } from "./open.ts"
import { schema } from "./schema.ts"

const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

describe("the store on Postgres", () => {
  for (const each of [...sessionLogContract, ...sharedSessionLogContract]) {
    test(`${each.rule ?? "port"}: ${each.name}`, async () => {
      const processes = new Map<Store, ProcessOverCable>()
      await runSessionLogCase(each, {
        async open() {
          const opened = await server.openOverCable()
          processes.set(opened.store, opened)
          return opened.store
        },
        async crash(store) {
          const crashed = processes.get(store)
          crashed?.cable.cut()
          await store.close()
          await crashed?.disconnected()
          await crashed?.lapse()
        },
      })
    })
  }
})

test("while the server is unreachable every call is unavailable, and afterwards everything continues", async () => {
  const { store, cable } = await server.openOverCable()
  const { log, keyring, approvals, secrets, outbox, subscriptions } = store
  const { sessionId, runId, lease } = await startSession(log)
  const wait = createWait(runId)
  const entry = createEvent(toSeq(lease, 1), runId, stepStarted)
  cable.cut()
  const calls = [
    () => log.session(sessionId),
    () => log.revokeSession(sessionId, 1),
    () => log.put(cancel(sessionId)),
    () => log.answerAll([createApproval(sessionId, wait)]),
    () => log.claim(sessionId, ["agent"]),
    () => log.claimRunnable(["agent"], 1),
    () => log.pending(lease),
    () => log.release(lease),
    () => log.commit([{ lease, entries: [entry] }]),
    () => log.read(sessionId, { afterSeq: 0, limit: 1 }),
    () => log.stepStart(sessionId, 1),
    () => log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 0 }),
    () => log.ping(),
    () => keyring.key("key"),
    () => keyring.rotate(),
    () => keyring.remove("key"),
    () => secrets.get("token"),
    () => secrets.replace("token", null, "value"),
    () => approvals.wait(sessionId, wait),
    () => approvals.openWaits({ now: 1, limit: 1 }),
    () => approvals.grants(sessionId),
    () => approvals.revokeGrant({ sessionId, toolName: "a", qualifier: null, revokedBy: decider, at: 1 }),
    () => approvals.audit({ limit: 1 }),
    () => outbox.claim({ kind: "a", limit: 1, maxBytes: 1, leaseMs: 1 }),
    () => outbox.deliverCommands({ limit: 1 }),
    () => outbox.rows({ limit: 1 }),
    () => subscriptions.register([{ subscriber: "a", agent: "agent" }]),
    () => subscriptions.claim({ subscriber: "a", agents: ["agent"], limit: 1, leaseMs: 1 }),
  ]
  for (const call of calls) await expect(call()).rejects.toBeInstanceOf(StoreUnavailableError)
  cable.mend()
  await waitFor("the connection", () => log.session(sessionId).catch(() => null))
  await commitOk(log, { lease, entries: [entry] })
  expect(await log.read(sessionId, { afterSeq: 0, limit: 10 })).toEqual([entry])
  const outside = await server.openOverCable()
  const next = log.arrivals({ signal: new AbortController().signal })[Symbol.asyncIterator]().next()
  await waitFor("an arrival over the new connection", async () => {
    await outside.store.log.put(createMessage(await openSession(outside.store.log)))
    return Promise.race([next, delay(50, null)])
  })
  await Promise.all([store.close(), outside.store.close()])
})

test("a commit with a lost acknowledgment was made, and may be repeated", async () => {
  const { store, cable } = await server.openOverCable()
  const { log, approvals } = store
  const session = await startSession(log)
  const { sessionId, runId, lease } = session
  const wait = createWait(runId)
  const batch = { ...createOpening(session, [wait], 1), progress: true }
  const end = { ...createEnding(session, 2), waitsExpired: [wait.waitId] }
  for (const each of [batch, end]) {
    const cut = cable.cutAtReply("COMMIT")
    await expect(log.commit([each])).rejects.toBeInstanceOf(StoreUnavailableError)
    await cut
    cable.mend()
    const outcomes = await waitFor("the connection", () => log.commit([each]).catch(() => null))
    expect(outcomes).toEqual(["ok"])
  }
  expect(await log.read(sessionId, { afterSeq: 0, limit: 10 })).toEqual([...batch.entries, ...end.entries])
  expect(await approvals.wait(sessionId, wait)).toMatchObject({ state: "expired" })
  expect(await approvals.audit({ sessionId, limit: 10 })).toHaveLength(1)
  expect(await log.release(lease)).toBe("released")
  await store.close()
})

test("connections that the server closes are replaced", async () => {
  const { store } = await server.openOverCable()
  const { sessionId } = await startSession(store.log)
  await server.ask(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ai-agent-gateway%'",
  )
  const session = await waitFor("the session", () => store.log.session(sessionId).catch(() => null))
  expect(session.id).toBe(sessionId)
  await store.close()
})

test("a closed store leaves no connection and no heartbeat", async () => {
  await server.createDatabase("closing")
  const url = server.urlOf("closing")
  const store = await openPostgresStore({ url, logger })
  const { signal } = new AbortController()
  const watching = store.log.watch("sess_1", { signal })[Symbol.asyncIterator]()
  await watching.next()
  await store.close()
  await store.close()
  expect((await watching.next()).done).toBe(true)
  await expect(store.log.ping()).rejects.toBeInstanceOf(StoreUnavailableError)
  expect(await server.countOf("SELECT count(*)::int AS count FROM agent_gateway.process", "closing")).toBe(0)
  const connections = `SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE datname = 'closing' AND pid <> pg_backend_pid()`
  await waitFor("the end of the connections", async () =>
    (await server.countOf(connections)) === 0 ? true : null,
  )
})

test("processes that start at once on an empty database create its tables once", async () => {
  await server.createDatabase("empty")
  const options = { url: server.urlOf("empty"), logger }
  const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgresStore(options)))
  const keys = await Promise.all(stores.map(({ keyring }) => keyring.signingKey()))
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
  await Promise.all(stores.map((store) => store.close()))
})

test("a process that hangs during its migration opens the store all the same", async () => {
  const unlock = await server.begin(`SELECT pg_advisory_xact_lock(${migrationLock})`)
  const cable = await layCable(Number(new URL(server.urlOf()).port))
  const url = new URL(server.urlOf())
  url.port = String(cable.port)
  // The product's own limit, not the long one of the tests.
  url.search = ""
  const opening = openPostgresStore({ url: url.href, logger })
  const waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
  const pid = await waitFor("the migration", async () => (await server.ask(waiting))[0]?.pid ?? null)
  cable.silence()
  await unlock()
  const idle = `SELECT FROM pg_stat_activity WHERE pid = ${pid} AND state = 'idle in transaction'
    AND state_change < clock_timestamp() - interval '4 seconds'`
  await waitFor("four idle seconds", async () => ((await server.ask(idle)).length === 1 ? true : null))
  cable.resume()
  await (await opening).close()
})

test("a later schema is migrated to once, and this version still opens it", async () => {
  await server.createDatabase("later")
  const url = server.urlOf("later")
  const open = () => openPostgresStore({ url, logger })
  await (await open()).close()
  const later = {
    ...schema,
    migrations: [
      ...schema.migrations,
      ["CREATE TABLE agent_gateway.later (id integer)"],
      ["INSERT INTO agent_gateway.later VALUES (1)"],
    ],
  }
  const driver = await loadDriver()
  const options = { connections: 1, nameStatement: unnamed, logger }
  const database = openDatabase(driver, createMigrationConfig({ connectionString: url }), options)
  await Promise.all([migrate(database, later), migrate(database, later)])
  expect(await database.query("SELECT id FROM agent_gateway.later")).toEqual([{ id: 1 }])
  const newest = findNewestVersion(schema)
  const former = { ...schema, firstVersion: newest + 3, migrations: [] }
  await expect(migrate(database, former)).rejects.toThrow(
    `The schema agent_gateway was written by a development version of ai-agent-gateway, which was never published ` +
      `(it is at ${newest + 2}, the first published version is ${newest + 3}).`,
  )
  await database.close()
  await (await open()).close()
})

test("a missing table is found", async () => {
  await server.createDatabase("incomplete")
  const store = await openPostgresStore({ url: server.urlOf("incomplete"), logger })
  expect(await store.missingTables?.()).toEqual([])
  await server.ask("DROP TABLE agent_gateway.memory", "incomplete")
  expect(await store.missingTables?.()).toEqual(["memory"])
  await store.close()
})

test("a schema of a newer version is refused only if that version says so", async () => {
  await server.createDatabase("newer")
  const url = server.urlOf("newer")
  await (await openPostgresStore({ url, logger })).close()
  await server.ask("INSERT INTO agent_gateway.migration (version) VALUES (1000)", "newer")
  await (await openPostgresStore({ url, logger })).close()
  for (const sql of [
    "UPDATE agent_gateway.setting SET value = '1000' WHERE name = 'oldestSchema'",
    "DROP TABLE agent_gateway.setting",
  ]) {
    await server.ask(sql, "newer")
    const opening = openPostgresStore({ url, logger })
    await expect(opening).rejects.toBeInstanceOf(ConfigurationError)
    await expect(opening).rejects.toThrow(/newer version of ai-agent-gateway.* \(it is at 1000/)
  }
})

test.each([
  ["nobody listens", () => "postgres://postgres:s3cret@127.0.0.1:1/postgres", "ECONNREFUSED"],
  [
    "the password is wrong",
    () => server.urlOf().replace("password", "s3cret"),
    'password authentication failed for user "postgres". Check the user, the password and sslmode in its URL.',
  ],
  ["there is no such database", () => server.urlOf("nowhere"), 'database "nowhere" does not exist'],
  ["it is no address", () => "postgres://", ""],
])("a database that cannot be opened is a clear error without the password: %s", async (_, url, reason) => {
  const error: unknown = await openPostgresStore({ url: url(), logger }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigurationError)
  const { message } = error as ConfigurationError
  expect(message).toContain("The Postgres store cannot be opened: ")
  expect(message).toContain(reason)
  expect(message).not.toContain("s3cret")
  expect(message).not.toContain("\n")
  // A person who starts the gateway also reads the cause.
  expect(String((error as ConfigurationError).cause)).not.toContain("try again")
})
