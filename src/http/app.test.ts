import { describe, expect, it } from "vitest"
import { StoreUnavailableError } from "../core/errors.ts"
import { createText } from "./fixtures/entries.ts"
import { createJsonRequest, createTestApp, readProblem } from "./fixtures/test-app.ts"

describe("the HTTP app", () => {
  it("answers 404 for unknown paths, inside the prefix and outside", async () => {
    const app = createTestApp()
    const elsewhere = "No such path. The API is below /api."
    for (const [path, detail] of [
      ["/api/nothing", "No such path."],
      ["/apis", elsewhere],
      ["/", elsewhere],
      ["/health", elsewhere],
    ] as const) {
      const response = await app.fetch(path)
      expect(response.status).toBe(404)
      expect(await readProblem(response)).toEqual({
        type: "urn:ai-agent-gateway:problem:not_found",
        title: "Not found",
        status: 404,
        detail,
        code: "not_found",
      })
    }
    const unprefixed = await createTestApp({ prefix: "/" }).fetch("/nothing")
    expect(await readProblem(unprefixed)).toMatchObject({ detail: "No such path." })
  })

  it.each([
    ["GET", "/api/chat", "POST"],
    ["HEAD", "/api/chat", "POST"],
    ["PUT", "/api/chat/init", "POST"],
    ["DELETE", "/api/chat/cancel", "POST"],
    ["POST", "/api/health", "GET, HEAD"],
    ["POST", "/api/chat/subscribe", "GET, HEAD"],
    ["OPTIONS", "/api/chat/history", "GET, HEAD"],
  ])("answers 405 to %s %s", async (method, path, allow) => {
    const response = await createTestApp().fetch(path, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get("allow")).toBe(allow)
    if (method !== "HEAD") expect(await readProblem(response)).toMatchObject({ code: "method_not_allowed" })
  })

  it("is served under any prefix, or none", async () => {
    expect((await createTestApp({ prefix: "/v1/agent" }).fetch("/v1/agent/health")).status).toBe(200)
    expect((await createTestApp({ prefix: "/" }).fetch("/health")).status).toBe(200)
    expect((await createTestApp({ prefix: "/" }).fetch("/chat")).status).toBe(405)
    for (const prefix of ["", "api", "/api/", "/a b", "/:id", "/*"]) {
      expect(() => createTestApp({ prefix })).toThrow(/prefix/)
    }
  })

  it("reports that it is alive", async () => {
    const response = await createTestApp().fetch("/api/health")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok" })
  })

  it("reports whether it is ready, and the reasons if not", async () => {
    const ready = await createTestApp().fetch("/api/ready")
    expect(ready.status).toBe(200)
    expect(await ready.json()).toEqual({
      status: "ready",
      checks: { store: { ok: true }, accepting: { ok: true } },
    })
    const checks = { store: { ok: false, detail: "unreachable" } }
    const notReady = await createTestApp({ readiness: async () => ({ ready: false, checks }) }).fetch(
      "/api/ready",
    )
    expect(notReady.status).toBe(503)
    expect(await notReady.json()).toMatchObject({ status: "not_ready", checks })
    expect((await createTestApp({ accepting: () => false }).fetch("/api/ready")).status).toBe(503)
  })

  it("accepts no new work while it stops, and still serves reads", async () => {
    let accepting = true
    const app = createTestApp({ accepting: () => accepting })
    const { headers } = await app.authorize()
    accepting = false
    for (const [path, body, sent] of [
      ["/api/chat/init", { api_key: "key" }, {}],
      ["/api/chat", { message: "hello" }, headers],
    ] as const) {
      const response = await app.fetch(path, createJsonRequest(body, sent))
      expect(response.status).toBe(503)
      expect(response.headers.get("retry-after")).toBe("1")
      expect(await readProblem(response)).toMatchObject({ code: "shutting_down" })
    }
    expect((await app.fetch("/api/chat/history", { headers })).status).toBe(200)
    app.sessions.cancelOutcome = { status: "accepted", runId: "run_1", cursor: 0 }
    expect((await app.fetch("/api/chat/cancel", createJsonRequest({}, headers))).status).toBe(200)
  })

  it("hides the details of unexpected errors from clients, and logs them with their cause", async () => {
    const app = createTestApp()
    const failure = new Error("password is hunter2", { cause: new Error("deep") })
    app.sessions.failure = failure
    const response = await app.fetch("/api/chat/init", createJsonRequest({ api_key: "key" }))
    expect(response.status).toBe(500)
    const text = await response.clone().text()
    expect(text).not.toContain("hunter2")
    expect(await readProblem(response)).toMatchObject({ code: "internal_error" })
    expect(app.errors).toEqual([
      { message: "A request failed.", fields: expect.objectContaining({ error: failure }) },
    ])
  })

  it("survives a thrown value that is not an error", async () => {
    const app = createTestApp()
    app.sessions.failure = { secret: "hunter2" }
    const response = await app.fetch("/api/chat/init", createJsonRequest({ api_key: "key" }))
    expect(response.status).toBe(500)
    expect(await readProblem(response)).toMatchObject({ code: "internal_error" })
    expect(app.errors[0]?.fields).toMatchObject({ error: { cause: { secret: "hunter2" } } })
  })

  it("answers 503 with retry-after when the store is unavailable", async () => {
    const app = createTestApp()
    app.sessions.failure = new StoreUnavailableError({
      detail: "disk /var/full",
      cause: new Error("SQLITE_FULL"),
    })
    const response = await app.fetch("/api/chat/init", createJsonRequest({ api_key: "key" }))
    expect(response.status).toBe(503)
    expect(response.headers.get("retry-after")).toBe("1")
    expect(await response.clone().text()).not.toContain("/var/full")
    expect(await readProblem(response)).toMatchObject({ code: "store_unavailable" })
    expect(app.errors[0]?.fields).toMatchObject({ detail: "disk /var/full" })
  })
})

describe("cross-origin access", () => {
  const origin = "https://app.example.com"
  const allowedOrigin = (response: Response) => response.headers.get("access-control-allow-origin")

  it("is denied by default", async () => {
    const response = await createTestApp().fetch("/api/health", { headers: { origin } })
    expect(allowedOrigin(response)).toBeNull()
  })

  it("is allowed for the named origins on responses, problems and streams", async () => {
    const app = createTestApp({ corsOrigins: [origin] })
    const { headers } = await app.authorize()
    const answers = [
      await app.fetch("/api/health", { headers: { origin } }),
      await app.fetch("/api/nothing", { headers: { origin } }),
      await app.fetch("/api/chat/history", { headers: { origin } }),
      await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, { ...headers, origin })),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 401, 200])
    for (const answer of answers) {
      expect(allowedOrigin(answer)).toBe(origin)
      expect(answer.headers.get("access-control-expose-headers")).toContain("x-run-id,x-cursor")
      expect(answer.headers.get("vary")).toMatch(/origin/i)
    }
    expect(answers[3]?.headers.get("cache-control")).toBe("no-cache, no-transform")
    app.sessions.publish(createText("hi"))
    app.sessions.end()
    expect(await answers[3]?.text()).toContain("text_delta")
  })

  it("is denied for other origins", async () => {
    const app = createTestApp({ corsOrigins: [origin] })
    for (const other of ["https://evil.example.com", "null", `${origin}.evil.com`, "http://localhost:3000"]) {
      expect(allowedOrigin(await app.fetch("/api/health", { headers: { origin: other } }))).toBeNull()
    }
  })

  it("lets pages send further headers, and use further methods", async () => {
    const app = createTestApp({
      corsOrigins: [origin],
      corsAllowHeaders: ["x-tenant"],
      corsAllowMethods: ["PUT"],
    })
    const headers = { origin, "access-control-request-method": "PUT" }
    const response = await app.fetch("/api/notes", { method: "OPTIONS", headers })
    expect(response.headers.get("access-control-allow-methods")).toBe("GET,POST,DELETE,PUT")
    expect(response.headers.get("access-control-allow-headers")).toMatch(/^authorization,.*,x-tenant$/)
  })

  it("answers preflights", async () => {
    const app = createTestApp({ corsOrigins: [origin] })
    const headers = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    }
    const response = await app.fetch("/api/chat", { method: "OPTIONS", headers })
    expect(response.status).toBe(204)
    expect(allowedOrigin(response)).toBe(origin)
    expect(response.headers.get("access-control-allow-methods")).toBe("GET,POST,DELETE")
    const allowed = response.headers.get("access-control-allow-headers")?.split(",")
    expect(allowed?.filter((name) => !name.startsWith("x-stainless-"))).toEqual([
      ...["authorization", "content-type", "idempotency-key", "last-event-id", "user-agent", "x-run-id"],
    ])
    expect(response.headers.get("access-control-allow-credentials")).toBeNull()
  })

  it("can be allowed for pages of this machine", async () => {
    const app = createTestApp({ allowLocalhost: true })
    for (const local of [
      "http://localhost:5173",
      "http://127.0.0.1:3000",
      "http://[::1]:80",
      "https://localhost",
    ]) {
      expect(allowedOrigin(await app.fetch("/api/health", { headers: { origin: local } }))).toBe(local)
    }
    for (const other of ["http://localhost.evil.com", "http://evil.com/localhost", origin]) {
      expect(allowedOrigin(await app.fetch("/api/health", { headers: { origin: other } }))).toBeNull()
    }
  })

  it("refuses to start with an origin that could never match", () => {
    for (const bad of ["https://app.example.com/", "app.example.com", "https://app.example.com/path"]) {
      expect(() => createTestApp({ corsOrigins: [bad] })).toThrow(/corsOrigins/)
    }
    expect(() => createTestApp({ corsOrigins: ["*"] })).not.toThrow()
  })
})
