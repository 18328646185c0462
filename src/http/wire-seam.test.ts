import { describe, expect, test } from "vitest"
import { nativeRoutes } from "../wires/native/native-routes.ts"
import { createJsonRequest, createTestApp, readProblem } from "./fixtures/test-app.ts"
import type { WireRoutes } from "./wire-routes.ts"

/** A protocol with a route that says who calls, and one that opens a conversation. */
const wire: WireRoutes = {
  path: "/other",
  hasRootAlias: true,
  formatProblem: ({ code, message }) => ({
    body: { error: { code, message } },
    headers: { "x-form": "other" },
  }),
  tags: [],
  add(app, { conversations, middleware }) {
    app.use("/other/*", ...middleware.byCaller)
    app.get("/other/caller", (c) => {
      const { principal, credential, session } = c.get("caller")
      return c.json({ ...principal, credential, session: session?.id ?? null })
    })
    app.post("/other/open", middleware.optionalBody, async (c) => {
      const { id, agent } = await c.req.json<{ id?: string; agent?: string }>()
      const { id: session, tenant, userId } = await conversations.open(c, { id, agent })
      return c.json({ session, tenant, userId })
    })
    app.get("/other/find/:id", async (c) => {
      return c.json({ session: (await conversations.find(c, { id: c.req.param("id") })).id })
    })
  },
}

const byKey = { authorization: "Bearer a-key-of-the-application" }
const create = (options: Parameters<typeof createTestApp>[0] = {}) =>
  createTestApp({
    validApiKeys: ["a-key-of-the-application"],
    wires: { builtIn: [nativeRoutes, wire], custom: [] },
    ...options,
  })

async function read(response: Promise<Response>) {
  return (await (await response).json()) as Record<string, unknown>
}

describe("the caller of a protocol's route", () => {
  test("is the holder of an API key, or the user whom it names", async () => {
    const { fetch } = create()
    const unnamed = await read(fetch("/api/other/caller", { headers: byKey }))
    expect(unnamed).toMatchObject({ credential: "apiKey", session: null })
    const named = await read(fetch("/api/other/caller", { headers: { ...byKey, "x-user-id": "ann" } }))
    expect(named).toMatchObject({ tenant: unnamed.tenant, userId: "ann" })
  })

  test("may be named in another header", async () => {
    const { fetch } = create({ userHeader: "x-openwebui-user-id" })
    const headers = { ...byKey, "x-openwebui-user-id": "ann", "x-user-id": "bob" }
    expect(await read(fetch("/api/other/caller", { headers }))).toMatchObject({ userId: "ann" })
  })

  test.each(["", "a,b", "Ünal", "a b", "x".repeat(257)])("cannot be the user %j", async (user) => {
    const response = create().fetch("/api/other/caller", {
      headers: { ...byKey, "x-user-id": encodeLatin1(user) },
    })
    expect((await response).status).toBe(400)
    expect(await read(response.then((r) => r.clone()))).toMatchObject({ error: { code: "invalid_user" } })
  })

  test("is nobody without a valid credential, in the protocol's own form", async () => {
    const { fetch } = create()
    for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: "Basic eDp5" }]) {
      const response = await fetch("/api/other/caller", { headers })
      expect(response.status).toBe(401)
      expect(response.headers.get("www-authenticate")).toBe("Bearer")
      expect(response.headers.get("x-form")).toBe("other")
      expect(response.headers.get("content-type")).toBe("application/json")
    }
  })

  test("is the person whom the application identifies, whose pages may send cookies only from allowed origins", async () => {
    const authenticate = async ({ headers }: Request) => {
      const [, userId] = /^user=(.+)$/.exec(headers.get("cookie") ?? "") ?? []
      return userId === undefined ? null : { userId }
    }
    const { fetch } = createTestApp({
      authenticate,
      corsOrigins: ["https://app.example.com"],
      wires: { builtIn: [wire], custom: [] },
    })
    const from = (origin: string, more: Record<string, string> = {}) =>
      fetch("/api/other/caller", { headers: { cookie: "user=ann", origin, ...more } })
    const person = { tenant: "app_default", userId: "ann", credential: "authenticate" }
    expect(await read(from("https://app.example.com"))).toMatchObject(person)
    expect((await from("https://evil.example.com")).status).toBe(403)
    expect((await from("https://app.example.com", { "x-user-id": "bob" })).status).toBe(409)
    expect((await from("https://app.example.com", { cookie: "user=" })).status).toBe(401)
  })
})

describe("a conversation", () => {
  const open = (app: ReturnType<typeof create>, body: object, headers: Record<string, string> = {}) =>
    app.fetch("/api/other/open", createJsonRequest(body, { ...byKey, ...headers }))

  test("is opened again by the same caller, and is another one for another user", async () => {
    const app = create()
    const first = await read(open(app, { id: "chat-1" }, { "x-user-id": "ann" }))
    expect(await read(open(app, { id: "chat-1" }, { "x-user-id": "ann" }))).toEqual(first)
    const other = await read(open(app, { id: "chat-1" }, { "x-user-id": "bob" }))
    expect(other.session).not.toBe(first.session)
    const find = (userId: string, id: string) =>
      app.fetch(`/api/other/find/${id}`, { headers: { ...byKey, "x-user-id": userId } })
    expect(await read(find("ann", "chat-1"))).toEqual({ session: first.session })
    expect(await read(find("ann", String(first.session)))).toEqual({ session: first.session })
    for (const [user, id] of [
      ["ann", "chat-2"],
      ["eve", "chat-1"],
      ["bob", String(first.session)],
    ] as const)
      expect((await find(user, id)).status).toBe(404)
  })

  test("of a session token is the session of the token, and any other id is refused", async () => {
    const app = create({ validApiKeys: ["key"] })
    const { sessionId, headers } = await app.authorize()
    for (const body of [{}, { id: sessionId }, { agent: "agent" }])
      expect(await read(open(app, body, headers))).toMatchObject({ session: sessionId })
    for (const body of [{ id: "chat-1" }, { id: "sess_9" }, { agent: "other" }])
      expect((await open(app, body, headers)).status).toBe(409)
  })

  test("has an id within the limits, and a served agent", async () => {
    const app = create()
    expect((await open(app, { id: "x".repeat(201) })).status).toBe(422)
    expect((await open(app, { id: "a\nb" })).status).toBe(422)
    expect((await open(app, { id: "" })).status).toBe(422)
    expect((await open(app, { agent: "nobody" })).status).toBe(404)
  })

  test("counts as a new session only when it is created", async () => {
    const app = create({ rateLimits: { initPerMinute: 2 } })
    const open = (id: string, user = "ann") =>
      app
        .fetch("/api/other/open", createJsonRequest({ id }, { ...byKey, "x-user-id": user }), "192.0.2.1")
        .then(({ status }) => status)
    expect([await open("1"), await open("2"), await open("1"), await open("3")]).toEqual([200, 200, 200, 429])
    expect(await open("3", "bob")).toBe(200)
  })
})

test("the alias at the root is only for the gateway's own server", async () => {
  const { handle, fetch } = create()
  expect((await fetch("/other/caller", { headers: byKey })).status).toBe(404)
  const request = new Request("http://localhost/other/caller", { headers: byKey })
  const response = { req: { url: "/other/caller" } } as never
  const onOwnServer = await handle(request, { ownServer: { response, reach: "loopback" } })
  expect(onOwnServer.status).toBe(200)
})

test("other paths keep their problem documents", async () => {
  expect(await readProblem(await create().fetch("/api/nothing"))).toMatchObject({ code: "not_found" })
  const response = await create().fetch("/api/other/nothing", { headers: byKey })
  expect(await response.json()).toMatchObject({ error: { code: "not_found" } })
})

/** Headers are sent as Latin-1. */
function encodeLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1")
}
