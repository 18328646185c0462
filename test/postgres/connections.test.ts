import { setTimeout as delay } from "node:timers/promises"
import pg from "pg"
import { beforeAll, expect, test } from "vitest"
import type { StoreOpener } from "../../src/core/ports/store/store.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { postgresStore } from "../../src/gateway/service/open-store.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type Postgres, startPostgres } from "../end-to-end/support/postgres.ts"

const onEnd = atEndOfFile()
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** Makes the server accept this number of connections. */
async function limitConnections(store: string, connections: number): Promise<void> {
  const operator = new pg.Client(store)
  await operator.connect()
  await operator.query(`ALTER SYSTEM SET max_connections = ${connections}`)
  await operator.end()
  await postgres.stop()
  await postgres.start()
}

async function startGateway(store: string | StoreOpener): Promise<Gateway> {
  const gateway = createAgent("You greet.", {
    provider: scriptedProvider(() => [{ type: "text", text: "Hello" }]),
    store,
    logger: quiet,
    validApiKeys: ["key"],
    rateLimits: false,
    maxConcurrentRuns: 100,
  })
  onEnd(() => gateway.close())
  await gateway.prepare()
  return gateway
}

async function post(gateway: Gateway, path: string, body: object, token?: string): Promise<Response> {
  return gateway.fetch(
    new Request(`http://localhost/api${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    }),
  )
}

/** Sends the messages of many clients at once, each in a session of its own. Returns the statuses of all responses. */
async function load(gateways: readonly Gateway[]): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>()
  const clients = gateways.flatMap((gateway) => Array.from({ length: 15 }, () => gateway))
  await Promise.all(
    clients.map(async (gateway, client) => {
      for (let message = 0; message < 3; message++) {
        const opened = await post(gateway, "/chat/init", { api_key: "key", user_id: `user-${client}` })
        statuses.add(opened.status)
        if (opened.status !== 200) continue
        const { session_token: token } = (await opened.json()) as { readonly session_token: string }
        const response = await post(gateway, "/chat", { message: "Hi" }, token)
        statuses.add(response.status)
        await response.text()
      }
    }),
  )
  return statuses
}

test("a process opens at most as many connections as it may, and uses all of them", async () => {
  const url = await postgres.createDatabase("option")
  const operator = new pg.Client(await postgres.createDatabase("operator"))
  await operator.connect()
  const gateway = await startGateway(postgresStore(url, { connections: 5 }))
  const counts = new Set<number>()
  const working = new AbortController()
  const counting = (async () => {
    while (!working.signal.aborted) {
      const { rows } = await operator.query(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = 'option'",
      )
      counts.add(rows[0].count)
      await delay(5)
    }
  })()
  expect(await load([gateway])).toEqual(new Set([200]))
  working.abort()
  await counting
  await operator.end()
  expect(Math.max(...counts)).toBe(5)
})

test.each([3, 1.5, 2_000])("%d connections are refused", (connections) => {
  expect(() => postgresStore("postgres://127.0.0.1/agent", { connections })).toThrow(
    /^postgresStore: connections/,
  )
})

// The last test, because the limit applies to the whole server.
test("requests wait for a connection of their process while the server has none left", async () => {
  const store = await postgres.createDatabase("few")
  await limitConnections(store, 16)
  expect(await load([await startGateway(store), await startGateway(store)])).toEqual(new Set([200]))
})
