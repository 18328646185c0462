import { setTimeout as delay } from "node:timers/promises"
import pg from "pg"
import { beforeAll, expect, test } from "vitest"
import { delivery } from "../../src/features/delivery/plugin.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type Postgres, startPostgres } from "../end-to-end/support/postgres.ts"

const onEnd = atEndOfFile()
const clients = 30
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** A gateway that delivers the end of every run, and clients that send one message after the other. */
async function startLoad(database: string) {
  const store = await postgres.createDatabase(database)
  const delivered = new Set<string>()
  const accepted = new Set<string>()
  const gateway = createAgent("You greet.", {
    provider: scriptedProvider(() => [{ type: "text", text: "Hello" }]),
    store,
    logger: quiet,
    validApiKeys: ["key"],
    maxConcurrentRuns: 100,
    plugins: [delivery({ onComplete: ({ runId }) => void delivered.add(runId) })],
  })
  onEnd(() => gateway.close())
  await gateway.prepare()
  const stop = new AbortController()
  const clientsDone = Promise.all(
    Array.from({ length: clients }, (_, index) => sendMessages(gateway, index, accepted, stop.signal)),
  )
  return {
    store,
    accepted,
    delivered,
    async stop() {
      stop.abort()
      await clientsDone
    },
  }
}

async function sendMessages(
  gateway: Gateway,
  client: number,
  accepted: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const { session_token: token } = await postUntilAccepted(gateway, "/chat/init", {
    body: { api_key: "key", user_id: `user-${client}` },
  }).then((response) => response.json() as Promise<{ readonly session_token: string }>)
  for (let message = 1; !signal.aborted; message++) {
    const response = await postUntilAccepted(gateway, "/chat", {
      body: { message: "Hello" },
      headers: { authorization: `Bearer ${token}`, "idempotency-key": `${client}-${message}` },
    })
    accepted.add(response.headers.get("x-run-id") ?? "")
    // The stream breaks if the process lapses. The run continues.
    await response.text().catch(() => "")
  }
}

/** A client that repeats a refused request with the same key. */
async function postUntilAccepted(
  gateway: Gateway,
  path: string,
  { body, headers = {} }: { readonly body: object; readonly headers?: Readonly<Record<string, string>> },
): Promise<Response> {
  for (;;) {
    const request = new Request(`http://localhost/api${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    })
    const response = await gateway.fetch(request)
    if (response.status === 200) return response
    expect([409, 503]).toContain(response.status)
    await response.body?.cancel()
    await delay(20)
  }
}

/** Waits for the end of all runs and their deliveries, and returns the number of runs in each state. */
async function settle(store: string): Promise<Readonly<Record<string, number>>> {
  const client = new pg.Client(store)
  await client.connect()
  try {
    return await eventually("the end of all runs and deliveries", async () => {
      const { rows: states } = await client.query<{ readonly state: string; readonly count: number }>(
        "SELECT state, count(*)::int AS count FROM agent_gateway.run GROUP BY state",
      )
      const { rows: waiting } = await client.query("SELECT FROM agent_gateway.outbox")
      const counts = Object.fromEntries(states.map(({ state, count }) => [state, count]))
      return waiting.length === 0 && !("open" in counts) && !("queued" in counts) ? counts : null
    })
  } finally {
    await client.end()
  }
}

test("ten fast restarts of Postgres fail no run of thirty clients, and lose no delivery", async () => {
  const load = await startLoad("restarts")
  for (let restart = 0; restart < 10; restart++) {
    await delay(200 + 300 * Math.random())
    await postgres.stop()
    await postgres.start()
  }
  await load.stop()
  expect(await settle(load.store)).toEqual({ completed: load.accepted.size })
  expect(load.delivered).toEqual(load.accepted)
})

test("terminated connections fail no run of thirty clients, and lose no delivery", async () => {
  const load = await startLoad("terminated")
  const operator = new pg.Client(load.store)
  await operator.connect()
  for (let round = 0; round < 100; round++) {
    await delay(50)
    await operator.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ai-agent-gateway'",
    )
  }
  await operator.end()
  await load.stop()
  expect(await settle(load.store)).toEqual({ completed: load.accepted.size })
  expect(load.delivered).toEqual(load.accepted)
})
