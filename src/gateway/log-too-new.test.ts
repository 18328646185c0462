import { afterEach, expect, it } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import { logVersion } from "../core/log/entries.ts"
import type { Store } from "../core/ports/store/store.ts"
import { systemClock } from "../core/time/clock.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { claimSession, commitOk, createEvent, stepStarted, toSeq } from "../testing/session-log/fixtures.ts"
import { createRequest, protectedRoutes } from "../wires/native/fixtures/protected-routes.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let gateway: Gateway
let store: Store
afterEach(async () => {
  await gateway.close({ graceMs: 0 })
  await store.close()
})

/** Creates a session to which a newer version of the gateway has written. */
async function tooNew() {
  store = await openMemoryStore({ clock: systemClock, logger })
  const provider = scriptedProvider([[{ type: "text", text: "Hello" }]])
  gateway = createAgent("Hi.", { store, logger, provider })
  const init = await gateway.fetch(
    new Request("http://gateway/api/chat/init", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: "key" }),
    }),
  )
  const { session_token: token, session_id: id } = (await init.json()) as Record<string, string>
  const headers = { authorization: `Bearer ${token}` }
  const lease = await claimSession(store.log, id ?? "")
  const newer = createEvent(toSeq(lease, 1), "run_1", stepStarted, { v: logVersion + 1 })
  await commitOk(store.log, { lease, entries: [newer] })
  await store.log.release(lease)
  return { id: id ?? "", headers }
}

it.each(protectedRoutes)(
  "$method $path refuses a session that a newer version has written to",
  async (route) => {
    const { headers } = await tooNew()
    const [path, init] = createRequest(route, headers)
    const response = await gateway.fetch(new Request(`http://gateway${path}`, init))
    expect(response.status).toBe(503)
    expect(response.headers.get("content-type")).toContain("application/problem+json")
    expect(await response.json()).toMatchObject({ status: 503, code: "log_too_new" })
  },
)
