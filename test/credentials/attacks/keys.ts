import { describe, expect, onTestFinished, test } from "vitest"
import { openMemoryStore } from "../../../src/adapters/stores/sqlite/open.ts"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import { apiKey, bearer, init, type Openers, post, quiet, sayTo, send } from "../clients.ts"

/** Registers what a client with a key tries. */
export function testKeys({ openGateway, openCookieGateway }: Openers): void {
  describe("keys of operators", () => {
    const operatorKey = "the key of an operator, für alle"
    const headers = { authorization: `Bearer ${Buffer.from(operatorKey).toString("latin1")}` }
    const options = { operatorKeys: [operatorKey] }

    test("open nothing for clients, though any other key is accepted", async () => {
      const gateway = createAgent("", { ...options, store: "memory", logger: quiet, provider: "demo" })
      onTestFinished(() => gateway.close({ graceMs: 0 }))
      const refused = { status: 401, code: "invalid_api_key" }
      expect(await post(gateway, "/chat/init", { body: { api_key: operatorKey } })).toMatchObject(refused)
      expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("1") })).status).toBe(401)
      expect((await send(gateway, "/sessions", { headers })).status).toBe(401)
      expect((await gateway.sessions.list()).items).toEqual([])
      expect((await post(gateway, "/chat/init", { body: { api_key: "any other" } })).status).toBe(200)
      expect((await send(gateway, "/operate/sessions", { headers })).status).toBe(200)
    })

    test("do not reach the application's own check", async () => {
      const seen: string[] = []
      const gateway = openCookieGateway({
        ...options,
        async authenticate({ headers: received }) {
          seen.push(received.get("authorization") ?? "")
          return { userId: "ada" }
        },
      })
      expect((await post(gateway, "/chat/init", { headers })).status).toBe(401)
      expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("1") })).status).toBe(401)
      expect(seen).toEqual([])
    })

    test("must differ from the keys of clients", async () => {
      const gateway = openGateway({ operatorKeys: [apiKey] })
      await expect(gateway.prepare()).rejects.toThrow(/also one of validApiKeys/)
    })
  })

  test("keys that differ in one byte are different, in every encoding of a header", async () => {
    const gateway = createAgent("", { store: "memory", logger: quiet, provider: "demo" })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const open = async (key: string) => {
      await send(gateway, "/ai-sdk/chat/1/stream", { headers: bearer(key) })
      await post(gateway, "/ai-sdk/chat", { headers: bearer(key), body: sayTo("1") })
      return (await gateway.sessions.list()).items.length
    }
    const asUtf8 = Buffer.from("schlüssel").toString("latin1")
    expect([await open("schlüssel"), await open("schlössel"), await open(asUtf8)]).toEqual([1, 2, 2])
  })

  test("callers without a user share their ids of sessions, of which the log warns once", async () => {
    const warnings: string[] = []
    // The fields contain no digest of the key.
    const warn = (fields: object, message: string) => void warnings.push(JSON.stringify(fields) + message)
    const logger = { ...quiet, warn }
    const gateway = openGateway({ logger, store: "memory" })
    const ids = []
    for (let time = 0; time < 2; time++)
      ids.push(
        (await post(gateway, "/chat/init", { body: { api_key: apiKey, external_id: "1" } })).body.session_id,
      )
    await init(gateway, "ada", { external_id: "1" })
    expect(ids[0]).toBe(ids[1])
    const found = warnings.filter((each) => each.includes("without naming a user"))
    expect(found).toEqual([expect.stringMatching(/^\{\}/)])
  })

  test("a named tenant outlives its key, whose tokens stay valid", async () => {
    const store = await openMemoryStore({ clock: { now: () => Date.now() }, logger: quiet })
    onTestFinished(() => store.close())
    const tenantOf = (key: string) => openGateway({ store, validApiKeys: [{ key, tenant: "acme" }] })
    const { session_id: id, session_token: token } = await init(tenantOf(apiKey), "ada")
    const next = tenantOf("the next key of the application")
    expect((await send(next, "/chat/history", { headers: bearer(token) })).status).toBe(200)
    const headers = { ...bearer("the next key of the application"), "x-user-id": "ada" }
    expect((await send(next, `/sessions/${id}`, { headers })).status).toBe(200)
    expect((await send(next, "/sessions", { headers: bearer(apiKey) })).status).toBe(401)
  })

  test("while any key is accepted, no path shows a user's data", async () => {
    const gateway = createAgent("", {
      store: "memory",
      logger: quiet,
      provider: "demo",
      allowSchedules: true,
    })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const body = { api_key: "any", user_id: "ada" }
    const { body: issued } = await post(gateway, "/chat/init", { body })
    const unknown = { status: 403, code: "users_unknown" }
    expect(await post(gateway, "/chat/init", { body: { ...body, scope: "user" } })).toMatchObject(unknown)
    for (const headers of [bearer(issued.session_token), { ...bearer("any"), "x-user-id": "ada" }])
      for (const path of ["/sessions", "/schedules"])
        expect(await send(gateway, path, { headers })).toMatchObject(unknown)
  })
}
