import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import { text } from "node:stream/consumers"
import { SignJWT } from "jose"
import { describe, expect, onTestFinished, test } from "vitest"
import { openMemoryStore } from "../../src/adapters/stores/sqlite/open.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import {
  apiKey,
  bearer,
  init,
  issueTokens,
  type Openers,
  origin,
  post,
  quiet,
  type Sent,
  sayTo,
  secret,
  send,
  sendRaw,
} from "./clients.ts"

const cookie = { cookie: "user=ada" }
const evil = "https://evil.example"
const refusedOrigin = { status: 403, code: "origin_not_allowed" }

/** Registers the attacks on gateways that are opened in this way. */
export function testAttacks({ openGateway, openCookieGateway }: Openers): void {
  describe("pages of other sites", () => {
    test("1. a foreign POST without a body, with the user's cookie, is refused", async () => {
      const gateway = openCookieGateway({ corsOrigins: ["https://app.example"] })
      for (const from of [{ origin: evil }, {}])
        for (const path of ["/chat/init", "/chat/revoke", "/ai-sdk/chat/x/stop"])
          expect((await post(gateway, path, { headers: { ...cookie, ...from } })).status).toBe(403)
      const own = await post(gateway, "/chat/init", { headers: { ...cookie, origin } })
      const named = await post(gateway, "/chat/init", {
        headers: { ...cookie, origin: "https://app.example" },
      })
      expect([own.status, named.status]).toEqual([200, 200])
    })

    test("2. the origin null is refused", async () => {
      const sent = { headers: { ...cookie, origin: "null" } }
      expect(await post(openCookieGateway(), "/chat/init", sent)).toMatchObject(refusedOrigin)
      expect(await send(openCookieGateway(), "/sessions", sent)).toMatchObject(refusedOrigin)
    })

    test("3. Basic, Digest, Negotiate and NTLM of a foreign page are refused", async () => {
      const gateway = openCookieGateway()
      for (const scheme of ["Basic YTpi", "basic YTpi", "Digest x", "Negotiate x", "NTLM x"])
        for (const path of ["/chat/init", "/ai-sdk/chat"]) {
          const headers = { ...cookie, origin: evil, authorization: scheme }
          expect((await post(gateway, path, { headers, body: {} })).status).toBe(403)
        }
    })

    test("a scheme that no browser adds does not let a cookie pass by the checks of its origin", async () => {
      const gateway = openCookieGateway()
      for (const scheme of ["Custom x", "Custom", "Bearer x", "Bearer", "Bearer\tx", "Token,Basic x"])
        for (const from of [{ origin: evil }, { origin }]) {
          const headers = { ...cookie, ...from, authorization: scheme }
          expect((await post(gateway, "/chat/init", { headers })).status).toBe(401)
        }
      for (const scheme of ["Basic\tYTpi", "Basic,", "Negotiate, x", "NTLM=x", "Digest"]) {
        const headers = { ...cookie, origin: evil, authorization: scheme }
        expect(await post(gateway, "/chat/init", { headers })).toMatchObject(refusedOrigin)
      }
    })

    test("4. a GET of a stream or a list that another site causes is refused", async () => {
      const gateway = openCookieGateway()
      for (const site of ["cross-site", "same-site"])
        for (const path of ["/sessions", "/ai-sdk/chat/x/stream"]) {
          const headers = { ...cookie, "sec-fetch-site": site }
          expect((await send(gateway, path, { headers })).status).toBe(403)
        }
      for (const own of [{}, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }])
        expect((await send(gateway, "/sessions", { headers: { ...cookie, ...own } })).status).toBe(200)
    })

    test("5. a host name that was rebound to the gateway is refused on the paths of other protocols", async () => {
      const gateways = [
        openCookieGateway(),
        createAgent("", { store: "memory", logger: quiet, provider: "demo" }),
      ]
      onTestFinished(async () => gateways[1]?.close({ graceMs: 0 }))
      for (const gateway of gateways) {
        const { port } = await gateway.listen({ port: 0 })
        const host = `evil.example:${port}`
        const paths = ["/api/ai-sdk/chat", "/api/chat/init", "/api/chat/revoke", "/api/ag-ui"]
        for (const path of [...paths, "/v1/responses", "/api/v1/responses"])
          expect(await postTo(port, path, { ...cookie, host, origin: `http://${host}` })).toBe(421)
      }
    })

    test("cookies of foreign pages need an origin that is named exactly", async () => {
      const app = "https://app.example"
      const gateway = openCookieGateway({ corsOrigins: [app] })
      const preflight = (from: string, path = "/sessions") => {
        const headers = { origin: from, "access-control-request-method": "GET" }
        return sendRaw(gateway, path, { method: "OPTIONS", headers })
      }
      const allowed = await preflight(app)
      expect(allowed.headers.get("access-control-allow-origin")).toBe(app)
      expect(allowed.headers.get("access-control-allow-credentials")).toBe("true")
      expect(allowed.headers.get("access-control-allow-headers")).not.toContain("x-user-id")
      expect((await preflight(evil)).headers.get("access-control-allow-origin")).toBeNull()
      for (const path of ["/operate/sessions", "/metrics"])
        expect((await preflight(app, path)).headers.get("access-control-allow-origin")).toBeNull()
      const open = openCookieGateway({ corsOrigins: ["*"] })
      await expect(send(open, "/health")).rejects.toThrow(/corsOrigins/)
    })
  })

  describe("tokens", () => {
    test("6 and 7. a user token does not open a session, even after it was verified", async () => {
      const gateway = openGateway()
      const { userToken } = await issueTokens(gateway, "ada")
      const headers = bearer(userToken)
      for (let time = 0; time < 2; time++) {
        const refused = await post(gateway, "/chat", { headers, body: { message: "Hi." } })
        expect(refused).toMatchObject({ status: 403, code: "credential_not_accepted" })
        expect((await send(gateway, "/sessions", { headers })).status).toBe(200)
      }
    })

    test("8. a user token of another store with the same secret is refused", async () => {
      const [here, there] = [openGateway({ jwtSecret: secret }), openGateway({ jwtSecret: secret })]
      const { userToken } = await issueTokens(here, "ada")
      expect((await send(here, "/sessions", { headers: bearer(userToken) })).status).toBe(200)
      const refused = await send(there, "/sessions", { headers: bearer(userToken) })
      expect(refused).toMatchObject({ status: 401, code: "invalid_token" })
    })

    test("9. no token leads to another token", async () => {
      const gateway = openGateway()
      const { userToken, sessionToken } = await issueTokens(gateway, "ada")
      const body = { api_key: apiKey, user_id: "ada" }
      for (const token of [userToken, sessionToken]) {
        const refused = await post(gateway, "/chat/init", { headers: bearer(token), body })
        expect(refused).toMatchObject({ status: 403, code: "credential_not_accepted" })
      }
      const signedIn = openCookieGateway({ jwtSecret: secret })
      const { body: issued } = await post(signedIn, "/chat/init", { headers: { ...cookie, origin } })
      const headers = { ...cookie, origin, ...bearer(issued.session_token) }
      expect((await post(signedIn, "/chat/init", { headers })).status).toBe(403)
    })

    test("10. an expired token is no API key, though any key is accepted", async () => {
      const clock = { time: Date.now(), now: () => clock.time }
      const gateway = createAgent("You answer.", {
        ...{
          store: "memory",
          logger: quiet,
          clock,
          provider: scriptedProvider(() => [{ type: "text", text: "Hi." }]),
        },
      })
      onTestFinished(() => gateway.close({ graceMs: 0 }))
      const { body } = await post(gateway, "/chat/init", { body: { api_key: "any" } })
      clock.time += 3_600_000
      const sent = { headers: bearer(body.session_token), body: sayTo("chat 1") }
      expect((await post(gateway, "/ai-sdk/chat", sent)).status).toBe(401)
      const asKey = await post(gateway, "/chat/init", { body: { api_key: body.session_token } })
      expect(asKey).toMatchObject({ status: 401, code: "invalid_api_key" })
      expect((await gateway.sessions.list()).items).toHaveLength(1)
    })

    test("11. a refused Bearer credential is not replaced by a good cookie", async () => {
      const gateway = openCookieGateway({ jwtSecret: secret })
      const forged = await new SignJWT({ tenant: "app_default", user_id: "ada", va: 0 })
        .setProtectedHeader({ alg: "HS256", typ: "session+jwt", kid: "configured" })
        .sign(new TextEncoder().encode("x".repeat(32)))
      for (const credential of ["wrong", forged, "a.b.c"]) {
        const headers = { ...cookie, origin, ...bearer(credential) }
        expect((await send(gateway, "/sessions", { headers })).status).toBe(401)
        expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("1") })).status).toBe(401)
      }
    })
  })

  describe("ids of others", () => {
    test("12. a session token beside another session's id is refused like beside a missing one", async () => {
      const gateway = openGateway()
      const { sessionToken } = await issueTokens(gateway, "ada")
      const { sessionId: other } = await issueTokens(gateway, "ada")
      const { sessionId: foreign } = await issueTokens(gateway, "eve")
      const answers = []
      for (const id of [other, foreign, "sess_missing", "chat 1"])
        answers.push(await post(gateway, "/ai-sdk/chat", { headers: bearer(sessionToken), body: sayTo(id) }))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([409]))
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    })

    test("another user's session is missing for everyone else", async () => {
      const gateway = openGateway()
      const { sessionId } = await issueTokens(gateway, "ada")
      const { userToken } = await issueTokens(gateway, "eve")
      for (const headers of [bearer(userToken), { ...bearer(apiKey), "x-user-id": "eve" }, bearer(apiKey)]) {
        const sent = { headers, body: sayTo(sessionId) }
        expect((await post(gateway, "/ai-sdk/chat", sent)).status).toBe(404)
      }
      const shown = await send(gateway, `/sessions/${sessionId}`, { headers: bearer(userToken) })
      expect(shown).toMatchObject({ status: 404, code: "session_not_found" })
    })

    test("another user's conversations are missing on every path of the other protocols", async () => {
      const gateway = openGateway()
      const ada = { ...bearer(apiKey), "x-user-id": "ada" }
      const { sessionId } = await issueTokens(gateway, "ada")
      const made = await post(gateway, "/v1/responses", { headers: ada, body: { input: "My secret." } })
      expect(made.status).toBe(200)
      const { userToken, sessionToken } = await issueTokens(gateway, "eve")
      const others = [bearer(userToken), bearer(sessionToken), { ...bearer(apiKey), "x-user-id": "eve" }]
      const id = String(made.body.id)
      const ask = (session: string, response: string, headers: Readonly<Record<string, string>>) => {
        const requests: readonly (readonly [string, string, object?])[] = [
          ["GET", `/ai-sdk/chat/${session}/stream`],
          ["POST", `/ai-sdk/chat/${session}/stop`],
          ["POST", "/ai-sdk/chat", sayTo(session)],
          ["POST", "/ag-ui", { threadId: session, runId: "1", messages: [{ role: "user", content: "Hi." }] }],
          ["GET", `/v1/responses/${response}`],
          ["DELETE", `/v1/responses/${response}`],
          ["POST", `/v1/responses/${response}/cancel`],
          ["GET", `/v1/responses/${response}/input_items`],
          ["POST", "/v1/responses", { input: "Hi.", previous_response_id: response }],
        ]
        return Promise.all(
          requests.map(async ([method, path, body]) => {
            const answer = await send(gateway, path, { method, headers, body })
            return JSON.stringify(answer).replaceAll(session, "SESSION").replaceAll(response, "RESPONSE")
          }),
        )
      }
      const change = (text: string) => text.replace(/.{4}$/, "0000")
      for (const headers of [...others, bearer(apiKey)]) {
        const found = await ask(sessionId, id, headers)
        expect(found).toEqual(await ask(change(sessionId), change(id), headers))
        for (const answer of found) expect(answer).toMatch(/^\{"status":(204|404|409),/)
      }
      expect((await send(gateway, `/v1/responses/${id}`, { headers: ada })).status).toBe(200)
    })

    test("13. one external id of two users is two sessions", async () => {
      const gateway = openGateway()
      const ids = []
      for (const user of ["ada", "eve", "ada"]) {
        const headers = { ...bearer(apiKey), "x-user-id": user }
        expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("chat 1") })).status).toBe(200)
        ids.push((await init(gateway, user, { external_id: "chat 1" })).session_id)
      }
      expect(ids[2]).toBe(ids[0])
      expect(ids[1]).not.toBe(ids[0])
    })

    test("14. a revoked session is not opened again by its external id", async () => {
      const gateway = openGateway()
      const { session_token: token } = await init(gateway, "ada", { external_id: "chat 1" })
      expect((await post(gateway, "/chat/revoke", { headers: bearer(token) })).status).toBe(200)
      const headers = { ...bearer(apiKey), "x-user-id": "ada" }
      expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("chat 1") })).status).toBe(409)
      const body = { api_key: apiKey, user_id: "ada", external_id: "chat 1" }
      expect(await post(gateway, "/chat/init", { body })).toMatchObject({
        status: 409,
        code: "session_revoked",
      })
    })

    test("15. two users in the header are refused, and so is a user beside another user's token", async () => {
      const gateway = openGateway()
      const headers = new Headers(bearer(apiKey))
      headers.append("x-user-id", "ada")
      headers.append("x-user-id", "eve")
      const twice = await send(gateway, "/sessions", { headers: Object.fromEntries(headers) })
      expect(twice).toMatchObject({ status: 400, code: "invalid_user" })
      const { userToken, sessionToken } = await issueTokens(gateway, "ada")
      for (const token of [userToken, sessionToken]) {
        const other = { ...bearer(token), "x-user-id": "eve" }
        const refused = await send(gateway, "/sessions", { headers: other })
        expect(refused).toMatchObject({ status: 409, code: "user_mismatch" })
      }
    })

    test("a user token is for one agent, and lists only its sessions", async () => {
      const gateway = await openTwoAgents()
      const { user_token: token } = await init(gateway, "ada", { scope: "user" })
      await init(gateway, "ada")
      const body = { api_key: apiKey, user_id: "ada" }
      const { body: elsewhere } = await post(gateway, "/agents/second/chat/init", { body })
      const headers = bearer(token)
      const listed = await send(gateway, "/sessions", { headers })
      expect((listed.body.sessions as { agent: string }[]).map(({ agent }) => agent)).toEqual(["first"])
      expect((await send(gateway, `/sessions/${elsewhere.session_id}`, { headers })).status).toBe(404)
      const asked = await post(gateway, "/agents/second/ai-sdk/chat", { headers, body: sayTo("1") })
      expect(asked.status).toBe(404)
    })
  })

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

  test("17. a process whose clock is a minute ahead respects a revocation, and its tokens too", async () => {
    const store = await openMemoryStore({ clock: { now: () => Date.now() }, logger: quiet })
    onTestFinished(() => store.close())
    const ahead = { now: () => Date.now() + 60_000 }
    const [here, there] = [openGateway({ store }), openGateway({ store, clock: ahead })]
    const { userToken } = await issueTokens(there, "ada")
    const revocation = await post(here, "/chat/revoke", {
      headers: { ...bearer(apiKey), "x-user-id": "ada" },
    })
    expect(revocation.status).toBe(200)
    const refused = await send(here, "/sessions", { headers: bearer(userToken) })
    expect(refused).toMatchObject({ status: 401, code: "token_revoked" })
    const { userToken: next } = await issueTokens(there, "ada")
    for (const gateway of [here, there])
      expect((await send(gateway, "/sessions", { headers: bearer(next) })).status).toBe(200)
  })

  test("a request whose body arrives after the revocation of its user starts no run, on any wire", async () => {
    const gateway = openGateway()
    const { sessionToken, userToken } = await issueTokens(gateway, "ada")
    const slow = await Promise.all([
      sendSlowly(gateway, "/chat", { headers: bearer(sessionToken), body: { message: "Hi." } }),
      sendSlowly(gateway, "/ai-sdk/chat", { headers: bearer(userToken), body: sayTo("chat 1") }),
      sendSlowly(gateway, "/v1/responses", { headers: bearer(userToken), body: { input: "Hi." } }),
      sendSlowly(gateway, "/ag-ui", {
        headers: bearer(userToken),
        body: { threadId: "1", runId: "1", messages: [{ id: "1", role: "user", content: "Hi." }] },
      }),
    ])
    const everyone = { headers: { ...bearer(apiKey), "x-user-id": "ada" } }
    expect((await post(gateway, "/chat/revoke", everyone)).status).toBe(200)
    await eventually("the refusal by every node", async () => {
      const sent = { headers: bearer(userToken) }
      const codes = [await send(gateway, "/sessions", sent), await send(gateway, "/sessions", sent)]
      return codes.every(({ code }) => code === "token_revoked") ? true : null
    })
    for (const finish of slow) expect((await finish()).status).toBe(401)
    expect((await gateway.operate("runs.list", {})).items).toEqual([])
  })

  test("code revokes the tokens of a user, and of no one else", async () => {
    const gateway = openGateway()
    const [{ userToken, sessionToken }, { userToken: eves }] = [
      await issueTokens(gateway, "ada"),
      await issueTokens(gateway, "eve"),
    ]
    const ofAda = (await gateway.sessions.list()).items.find(({ userId }) => userId === "ada")
    if (ofAda === undefined) throw new Error("The session of the user is missing.")
    await gateway.revokeUser(ofAda)
    for (const token of [userToken, userToken, sessionToken, sessionToken])
      await eventually("the refusal", async () => {
        const { code } = await send(gateway, "/sessions", { headers: bearer(token) })
        return code === "token_revoked" ? true : null
      })
    expect((await send(gateway, "/sessions", { headers: bearer(eves) })).status).toBe(200)
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

async function openTwoAgents(): Promise<Gateway> {
  const { createGateway } = await import("../../src/gateway/create-gateway.ts")
  const provider = scriptedProvider(() => [{ type: "text", text: "Hi." }])
  const gateway = createGateway({
    ...{ store: "memory", logger: quiet, validApiKeys: [apiKey] },
    agents: { first: { systemPrompt: "One.", provider }, second: { systemPrompt: "Two.", provider } },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

/**
 * Sends a request without its body. Resolves when the gateway waits for the body, to a function that sends it and
 * resolves to the response.
 */
async function sendSlowly(
  gateway: Gateway,
  path: string,
  { headers = {}, body }: Sent,
): Promise<() => Promise<Response>> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const init = {
    ...{ method: "POST", headers: { ...headers, "content-type": "application/json" } },
    ...{ body: readable, duplex: "half" as const },
  }
  const response = Promise.resolve(gateway.fetch(new Request(`${origin}/api${path}`, init)))
  const writer = writable.getWriter()
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  // The stream holds one piece, so a second one is accepted only after the gateway has read the first.
  await writer.write(bytes.slice(0, 1))
  await writer.write(bytes.slice(1, 2))
  return async () => {
    await writer.write(bytes.slice(2))
    await writer.close()
    return response
  }
}

/** Sends a request with a `Host` header, which `fetch` does not allow. Resolves to the status. */
async function postTo(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const sent = request({ port, host: "127.0.0.1", path, method: "POST", headers })
  sent.end()
  const [response] = (await once(sent, "response")) as [IncomingMessage]
  await text(response)
  return response.statusCode ?? 0
}
