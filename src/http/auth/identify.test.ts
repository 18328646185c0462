import { decodeJwt } from "jose"
import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem, type TestApp } from "../fixtures/test-app.ts"
import { type AuthenticatePerson, identifyPerson } from "./identify.ts"

const asAda = { method: "POST", headers: { authorization: "Custom ada" } }

/** Identifies the user by the name after `Custom`. */
const byName: AuthenticatePerson = async ({ headers }) => {
  const userId = /^Custom (\w+)$/.exec(headers.get("authorization") ?? "")?.[1]
  return userId === undefined ? null : { userId }
}

async function init(app: TestApp, request: RequestInit) {
  const response = await app.fetch("/api/chat/init", request, "192.0.2.7")
  return { response, body: (await response.clone().json()) as Record<string, string> }
}

function as(name: string, body: object): RequestInit {
  return createJsonRequest(body, { authorization: `Custom ${name}` })
}

describe("authenticate", () => {
  it("creates a session for an identified person, without a body", async () => {
    const app = createTestApp({ authenticate: byName })
    const { response, body } = await init(app, asAda)
    expect(response.status).toBe(200)
    expect(body).toMatchObject({ session_id: "sess_1", user_id: "ada" })
    expect(decodeJwt(body.session_token ?? "")).toMatchObject({ tenant: "app_default", user_id: "ada" })
    const headers = { authorization: `Bearer ${body.session_token}` }
    expect((await app.fetch("/api/chat/history", { headers })).status).toBe(200)
  })

  it("receives the request's headers and not its body", async () => {
    const seen: Request[] = []
    const authenticate: AuthenticatePerson = async (request) => {
      seen.push(request)
      return { userId: "ada" }
    }
    const app = createTestApp({ authenticate })
    await init(app, createJsonRequest({}, { cookie: "sid=1", origin: "http://gateway.test" }))
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["POST", "http://gateway.test/api/chat/init", null],
    ])
    expect(seen[0]?.headers.get("cookie")).toBe("sid=1")
  })

  it("counts instead of the claims in the body", async () => {
    const app = createTestApp({ authenticate: byName })
    const { body } = await init(app, as("ada", { api_key: "key", user_id: "root" }))
    expect(body.user_id).toBe("ada")
    const asNoOne = { authorization: "Custom" }
    const { response } = await init(app, createJsonRequest({ api_key: "key", user_id: "root" }, asNoOne))
    expect(response.status).toBe(401)
  })

  it("issues a new token for a session of the same person only", async () => {
    const app = createTestApp({ authenticate: byName })
    const { body } = await init(app, asAda)
    const again = await init(app, as("ada", { session_id: body.session_id }))
    expect(again.body.session_id).toBe(body.session_id)
    expect((await init(app, as("bob", { session_id: body.session_id }))).response.status).toBe(404)
  })

  it.each(["key_0123456789abcdef0123456789abcdef", "local", "default"])(
    "cannot name a tenant that does not belong to the application: %s",
    async (tenant) => {
      const app = createTestApp({ authenticate: async () => ({ tenant, userId: "ada" }) })
      const { body } = await init(app, asAda)
      expect(decodeJwt(body.session_token ?? "").tenant).toBe(`app_${tenant}`)
    },
  )

  it("keeps the tenants apart", async () => {
    let tenant = "one"
    const app = createTestApp({ authenticate: async () => ({ tenant, userId: "ada" }) })
    const { body } = await init(app, asAda)
    tenant = "two"
    const theirs = await init(app, as("ada", { session_id: body.session_id }))
    expect(theirs.response.status).toBe(404)
  })

  it("answers 401 to unknown persons, and counts them", async () => {
    const app = createTestApp({ authenticate: byName, rateLimits: { failuresPerMinute: 1 } })
    const unknown = { method: "POST", headers: { authorization: "Custom" } }
    const { response } = await init(app, unknown)
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe("Bearer")
    expect(await readProblem(response)).toMatchObject({ code: "invalid_credentials" })
    expect((await init(app, unknown)).response.status).toBe(429)
  })

  it("limits each person separately", async () => {
    const app = createTestApp({ authenticate: byName, rateLimits: { initPerMinute: 1 } })
    expect((await init(app, asAda)).response.status).toBe(200)
    expect((await init(app, asAda)).response.status).toBe(429)
    expect((await init(app, as("bob", {}))).response.status).toBe(200)
  })

  const failures: readonly (readonly [string, () => unknown])[] = [
    [
      "throws",
      () => {
        throw new Error("secret detail")
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret detail"))],
    [
      "throws a 401 of its own",
      () => Promise.reject(Object.assign(new Error("secret detail"), { status: 401 })),
    ],
    ["answers nothing", () => undefined],
    ["answers nobody's name", () => ({ userId: "" })],
    ["answers an id that is a number", () => ({ userId: 1 })],
    ["answers a name that cannot be stored", () => ({ userId: "a\u0000b" })],
  ]
  it.each(failures)("answers 503 when it %s, which is logged", async (_, answer) => {
    const app = createTestApp({ authenticate: (async () => answer()) as AuthenticatePerson })
    const { response } = await init(app, asAda)
    expect(response.status).toBe(503)
    expect(response.headers.get("retry-after")).toBe("1")
    expect(await response.clone().text()).not.toContain("secret detail")
    expect(await readProblem(response)).toMatchObject({ code: "authentication_unavailable" })
    expect(app.errors).toMatchObject([{ fields: { code: "authentication_unavailable" } }])
  })

  it("is awaited for a bounded time", async () => {
    let aborted = false
    const authenticate: AuthenticatePerson = ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true
      })
      return new Promise(() => {})
    }
    const identify = identifyPerson(authenticate, () => false, 20)
    await expect(identify({}, new Request("http://gateway.test/"))).rejects.toMatchObject({
      code: "authentication_unavailable",
      cause: { name: "TimeoutError" },
    })
    expect(aborted).toBe(true)
  })

  it("replaces API keys, so both together are refused", () => {
    expect(() => createTestApp({ authenticate: byName, validApiKeys: ["key"] })).toThrow(/authenticate/)
  })

  it("changes the documented body", async () => {
    const schemaOf = async (app: TestApp) => {
      const document = (await (await app.fetch("/api/openapi.json")).json()) as {
        components: { schemas: { InitRequest: { required?: string[] } } }
      }
      return document.components.schemas.InitRequest.required
    }
    expect(await schemaOf(createTestApp())).toEqual(["api_key"])
    expect(await schemaOf(createTestApp({ authenticate: byName }))).toBeUndefined()
  })
})
