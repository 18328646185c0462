import { readFileSync } from "node:fs"
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
import {
  checkApprovalsWithoutOrigin,
  formatApprovalsWithoutOrigin,
} from "../fixtures/approvals-without-origin.ts"
import { checkMigratedStore } from "../fixtures/migrated-store.ts"
import { layCable } from "./fixtures/cable.ts"
import { type ProcessOverCable, startTestServer, type TestServer } from "./fixtures/test-server.ts"
import { migrationLock } from "./migrate.ts"
import { openPostgresStore } from "./open.ts"

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

test("a schema of version 1 is migrated with all its data by processes that start at once", async () => {
  await server.createDatabase("former")
  await server.ask(fixture("version-1"), "former")
  const options = { url: server.urlOf("former"), logger }
  const [store, ...others] = await Promise.all([1, 2, 3].map(() => openPostgresStore(options)))
  if (store !== undefined) await checkMigratedStore(store)
  const [other] = others
  expect(await other?.log.session("sess_idle")).toMatchObject({ revokedAt: 5_000 })
  await Promise.all([store, ...others].map((each) => each?.close()))
})

test.each([
  ["unsecret", "where no secret was put yet", "", null],
  [
    "secret",
    "where a secret was, which made its table",
    `CREATE TABLE IF NOT EXISTS agent_gateway.secret (name text PRIMARY KEY, value text NOT NULL);
     INSERT INTO agent_gateway.secret (name, value) VALUES ('token', 'kept')`,
    "kept",
  ],
])("a schema of version 2 is migrated (%s): %s", async (name, _, since, token) => {
  await server.createDatabase(name)
  for (const sql of [fixture("version-1"), fixture("version-2"), since]) await server.ask(sql, name)
  const store = await openPostgresStore({ url: server.urlOf(name), logger })
  await checkMigratedStore(store)
  expect(await store.secrets.get("token")).toBe(token)
  expect(await store.secrets.replace("token", token, "new")).toBe(true)
  expect(await store.secrets.get("token")).toBe("new")
  await store.close()
})

test("a schema of version 3 is migrated while a process of that version lives, which keeps its sessions", async () => {
  await server.createDatabase("living")
  const versions = ["version-1", "version-2", "version-3"]
  for (const sql of versions.map(fixture)) await server.ask(sql, "living")
  const beat = `INSERT INTO agent_gateway.process (id, expires_at)
    VALUES ('a process that ended', clock_timestamp() + interval '1 hour')
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`
  await server.ask(beat, "living")
  const store = await openPostgresStore({ url: server.urlOf("living"), logger })
  await server.ask(beat, "living")
  expect(await store.log.claimRunnable(["agent"], 10)).toEqual([])
  await server.ask("DELETE FROM agent_gateway.process WHERE id = 'a process that ended'", "living")
  await checkMigratedStore(store)
  await store.close()
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

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}.sql`, import.meta.url), "utf8")
}

test("approvals and grants of version 2, which named no server, cover no server's tool", async () => {
  await server.createDatabase("unverified")
  const before = [fixture("version-1"), fixture("version-2"), formatApprovalsWithoutOrigin("agent_gateway.")]
  for (const sql of [...before, "DELETE FROM agent_gateway.command"]) await server.ask(sql, "unverified")
  const store = await openPostgresStore({ url: server.urlOf("unverified"), logger })
  await checkApprovalsWithoutOrigin(store)
  await store.close()
})
