import { describe, expect, it } from "vitest"
import { createText } from "../fixtures/entries.ts"
import { createJsonRequest, createTestApp, readProblem, type TestApp } from "../fixtures/test-app.ts"

const address = "192.0.2.7"
const ownPage = { origin: "http://gateway.test" }

function init(app: TestApp, apiKey: string, from = address) {
  return app.fetch("/api/chat/init", createJsonRequest({ api_key: apiKey }), from)
}

async function expectLimited(response: Response, policy: string): Promise<void> {
  expect(response.status).toBe(429)
  expect(await readProblem(response)).toMatchObject({ code: "rate_limited", status: 429 })
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0)
  expect(response.headers.get("ratelimit-policy")).toBe(policy)
  expect(response.headers.get("ratelimit")).toMatch(/^"\w+";r=0;t=\d+$/)
}

describe("tokens for one user of an API key", () => {
  const user = (app: TestApp, userId: string, from = address) =>
    app.fetch("/api/chat/init", createJsonRequest({ api_key: "shared", user_id: userId }), from)

  it("are issued at a limited rate", async () => {
    const app = createTestApp({ rateLimits: { initPerMinute: 2 } })
    const first = await init(app, "one")
    expect(first.status).toBe(200)
    expect(first.headers.get("ratelimit-policy")).toBe('"init";q=2;w=60')
    expect(first.headers.get("ratelimit")).toBe('"init";r=1;t=60')
    expect((await init(app, "one")).status).toBe(200)
    await expectLimited(await init(app, "one"), '"init";q=2;w=60')
    expect((await init(app, "two")).status).toBe(200)
  })

  it("are not used up by another user of the key, nor by a client with the same claim at another address", async () => {
    const app = createTestApp({ rateLimits: { initPerMinute: 1 } })
    expect((await user(app, "eve")).status).toBe(200)
    expect((await user(app, "eve")).status).toBe(429)
    expect((await user(app, "ada")).status).toBe(200)
    expect((await user(app, "eve", "192.0.2.8")).status).toBe(200)
  })

  it("are 60 a minute by default", async () => {
    const app = createTestApp()
    for (let times = 0; times < 60; times++) expect((await init(app, "one")).status).toBe(200)
    expect((await init(app, "one")).status).toBe(429)
  })
})

describe("tokens for a person whom the application identifies", () => {
  it("are issued at a limited rate, from any address", async () => {
    const authenticate = async ({ headers }: Request) => ({ userId: headers.get("x-person") ?? "" })
    const app = createTestApp({ authenticate, rateLimits: { initPerMinute: 1 } })
    const as = (name: string, from: string) =>
      app.fetch("/api/chat/init", createJsonRequest({}, { "x-person": name, ...ownPage }), from)
    expect((await as("ada", address)).status).toBe(200)
    expect((await as("eve", address)).status).toBe(200)
    expect((await as("ada", "192.0.2.8")).status).toBe(429)
  })

  it("are not used up by a person of another tenant, whatever spaces the names have", async () => {
    const authenticate = async ({ headers }: Request) => ({
      tenant: headers.get("x-tenant") ?? "",
      userId: headers.get("x-person") ?? "",
    })
    const app = createTestApp({ authenticate, rateLimits: { initPerMinute: 1 } })
    const as = (tenant: string, person: string) =>
      app.fetch(
        "/api/chat/init",
        createJsonRequest({}, { "x-tenant": tenant, "x-person": person, ...ownPage }),
        address,
      )
    expect((await as("a", "b c")).status).toBe(200)
    expect((await as("a b", "c")).status).toBe(200)
    expect((await as("a", "b c")).status).toBe(429)
  })
})

describe("requests with an API key", () => {
  const limits = { requestsPerMinute: 1, tenantRequestsPerMinute: 3 }
  const list = (app: TestApp, userId: string) => {
    const headers = { authorization: "Bearer shared", "x-user-id": userId }
    return app.fetch("/api/sessions", { headers }, address)
  }

  it("are not used up by the refused requests of one user", async () => {
    const app = createTestApp({ validApiKeys: ["shared"], rateLimits: limits })
    expect((await list(app, "eve")).headers.get("ratelimit")).toBe('"user";r=0;t=60')
    for (let times = 0; times < 5; times++) await expectLimited(await list(app, "eve"), '"user";q=1;w=60')
    expect((await list(app, "ada")).status).toBe(200)
    expect((await list(app, "bob")).status).toBe(200)
    await expectLimited(await list(app, "carol"), '"tenant";q=3;w=60')
  })

  it("count for the tenant where they request a token, whatever user they name", async () => {
    const app = createTestApp({ validApiKeys: ["shared"], rateLimits: { ...limits, initPerMinute: 1 } })
    const issue = (userId: string) =>
      app.fetch("/api/chat/init", createJsonRequest({ api_key: "shared", user_id: userId }), address)
    for (let times = 0; times < 5; times++) await issue("eve")
    expect((await issue("ada")).headers.get("ratelimit")).toBe('"init";r=0;t=60')
    expect((await issue("bob")).status).toBe(200)
    await expectLimited(await issue("carol"), '"tenant";q=3;w=60')
  })
})

describe("requests of one session", () => {
  it("do not use up those of the user's other sessions once they are refused", async () => {
    const app = createTestApp({ rateLimits: { requestsPerMinute: 1, tenantRequestsPerMinute: 2 } })
    const open = async () => {
      const init = createJsonRequest({ api_key: "key", user_id: "ada" })
      const issued = await app.fetch("/api/chat/init", init)
      const { session_token } = (await issued.json()) as { session_token: string }
      return createJsonRequest({}, { authorization: `Bearer ${session_token}` })
    }
    const [one, other] = [await open(), await open()]
    const cancel = (request: RequestInit) => app.fetch("/api/chat/cancel", request)
    expect((await cancel(one)).status).toBe(404)
    for (let times = 0; times < 3; times++) await expectLimited(await cancel(one), '"session";q=1;w=60')
    expect((await cancel(other)).status).toBe(404)
  })

  it("are accepted at a limited rate, whatever they change", async () => {
    const app = createTestApp({ rateLimits: { requestsPerMinute: 3 } })
    const { headers } = await app.authorize()
    const chat = await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, headers))
    expect(chat.status).toBe(200)
    expect(chat.headers.get("ratelimit")).toBe('"session";r=2;t=60')
    app.sessions.publish(createText("hi"))
    app.sessions.end()
    expect(await chat.text()).toContain("hi")
    await app.fetch("/api/chat/cancel", createJsonRequest({}, headers))
    await app.fetch("/api/chat/grants?tool_name=x", { method: "DELETE", headers })
    await expectLimited(
      await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, headers)),
      '"session";q=3;w=60',
    )
    expect(app.sessions.starts).toHaveLength(1)
  })

  it("do not count if they only read, nor against other sessions, and do not prevent signing out", async () => {
    const app = createTestApp({ rateLimits: { requestsPerMinute: 1 } })
    const { headers } = await app.authorize()
    const other = await app.authorize()
    await app.fetch("/api/chat/cancel", createJsonRequest({}, headers))
    expect((await app.fetch("/api/chat/cancel", createJsonRequest({}, headers))).status).toBe(429)
    for (const path of ["/api/chat/history", "/api/chat/grants"]) {
      const response = await app.fetch(path, { headers })
      expect(response.status).toBe(200)
      expect(response.headers.has("ratelimit")).toBe(false)
    }
    expect((await app.fetch("/api/chat/cancel", createJsonRequest({}, other.headers))).status).toBe(404)
    expect((await app.fetch("/api/chat/revoke", { method: "POST", headers })).status).toBe(200)
  })
})

describe("failed authentications of one address", () => {
  const bad = { authorization: "Bearer bad" }

  it("with the same wrong key or token are refused after a limit", async () => {
    const app = createTestApp({ validApiKeys: ["right"], rateLimits: { failuresPerMinute: 2 } })
    for (const attempt of [
      (from: string) => init(app, "wrong", from),
      (from: string) => app.fetch("/api/chat/history", { headers: bad }, from),
    ]) {
      expect((await attempt("2001:db8::1")).status).toBe(401)
      expect((await attempt("2001:db8::2")).status).toBe(401)
      await expectLimited(await attempt("2001:db8::3"), '"authentication";q=2;w=60')
      expect((await attempt("2001:db9::1")).status).toBe(401)
    }
  })

  it("do not lock out the correct key, nor another wrong one, which still learns its problem", async () => {
    const app = createTestApp({ validApiKeys: ["right"], rateLimits: { failuresPerMinute: 1 } })
    for (let times = 0; times < 3; times++) await init(app, "wrong")
    expect((await init(app, "wrong")).status).toBe(429)
    expect((await init(app, "right")).status).toBe(200)
    expect((await init(app, "old")).status).toBe(401)
  })

  it("are not requests without a token, which any web page can send", async () => {
    const app = createTestApp({ validApiKeys: ["right"], rateLimits: { failuresPerMinute: 1 } })
    for (let times = 0; times < 3; times++) {
      for (const headers of [{}, { authorization: "Basic eDp5" }]) {
        expect((await app.fetch("/api/chat/history", { headers }, address)).status).toBe(401)
      }
    }
    expect((await app.fetch("/api/chat/history", { headers: bad }, address)).status).toBe(401)
    expect((await init(app, "right")).status).toBe(200)
    expect(app.warnings).toEqual([])
  })

  it("are logged once a minute if there are many", async () => {
    const app = createTestApp({ validApiKeys: ["right"], rateLimits: { failuresPerMinute: 2 } })
    for (let times = 0; times < 5; times++) await init(app, `guess ${times}`)
    expect(app.warnings).toEqual([
      {
        fields: { network: address, failuresPerMinute: 2 },
        message: expect.stringContaining("wrong API keys"),
      },
    ])
  })

  it("do not lock out the owner of a valid token", async () => {
    const app = createTestApp({ rateLimits: { failuresPerMinute: 1 } })
    const { headers } = await app.authorize()
    for (let times = 0; times < 3; times++) await app.fetch("/api/chat/history", { headers: bad }, address)
    expect((await app.fetch("/api/chat/history", { headers: bad }, address)).status).toBe(429)
    expect((await app.fetch("/api/chat/history", { headers }, address)).status).toBe(200)
  })

  it("are not counted if the server provides no address", async () => {
    const app = createTestApp({ rateLimits: { failuresPerMinute: 1 } })
    for (let times = 0; times < 3; times++) {
      expect((await app.fetch("/api/chat/history", { headers: bad })).status).toBe(401)
    }
  })

  it("do not include expired and revoked tokens", async () => {
    const app = createTestApp({ rateLimits: { failuresPerMinute: 1 }, sessionTtlSeconds: 60 })
    const expired = await app.authorize()
    app.clock.time += 60_000
    const revoked = await app.authorize()
    app.sessions.change(revoked.sessionId, { revokedAt: 1 })
    const gone = await app.authorize()
    app.sessions.remove(gone.sessionId)
    for (let times = 0; times < 3; times++) {
      for (const { headers } of [expired, revoked, gone]) {
        expect((await app.fetch("/api/chat/history", { headers }, address)).status).toBe(401)
      }
    }
    expect((await init(app, "key")).status).toBe(200)
  })

  it("do not include other failures", async () => {
    const app = createTestApp({ rateLimits: { failuresPerMinute: 1 } })
    app.sessions.failure = new Error("store")
    for (let times = 0; times < 3; times++) expect((await init(app, "key")).status).toBe(500)
  })
})

describe("rateLimits", () => {
  it("can be turned off", async () => {
    const app = createTestApp({ rateLimits: false, validApiKeys: ["right"] })
    for (let times = 0; times < 70; times++) {
      expect((await init(app, "right")).status).toBe(200)
      expect((await init(app, "wrong")).status).toBe(401)
    }
  })

  it.each([0, -1, 1.5, Number.NaN])("refuses to start with %s", (limit) => {
    expect(() => createTestApp({ rateLimits: { initPerMinute: limit } })).toThrow(/rateLimits.initPerMinute/)
  })
})
