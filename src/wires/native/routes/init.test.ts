import { decodeJwt, decodeProtectedHeader } from "jose"
import { describe, expect, it } from "vitest"
import {
  createJsonRequest,
  createTestApp,
  readProblem,
  type TestApp,
} from "../../../http/fixtures/test-app.ts"

async function init(app: TestApp, body: object) {
  const response = await app.fetch("/api/chat/init", createJsonRequest(body))
  return { response, body: (await response.clone().json()) as Record<string, string> }
}

describe("POST /chat/init", () => {
  it("returns a session and a token with its owner", async () => {
    const app = createTestApp({ sessionTtlSeconds: 60 })
    const { response, body } = await init(app, { api_key: "key", user_id: "ada" })
    expect(response.status).toBe(200)
    expect(response.headers.get("cache-control")).toBe("no-store")
    const issuedAt = Math.floor(app.clock.now() / 1000)
    expect(body).toEqual({
      session_id: "sess_1",
      user_id: "ada",
      agent: "agent",
      expires_at: issuedAt + 60,
      session_token: expect.any(String),
    })
    expect(decodeProtectedHeader(body.session_token ?? "")).toEqual({
      alg: "HS256",
      typ: "session+jwt",
      kid: "configured",
    })
    expect(decodeJwt(body.session_token ?? "")).toEqual({
      iss: "ai-agent-gateway",
      aud: "ai-agent-gateway:sessions",
      sub: "sess_1",
      tenant: expect.stringMatching(/^key_[0-9a-f]{32}$/),
      user_id: "ada",
      va: 0,
      iat: issuedAt,
      exp: issuedAt + 60,
    })
  })

  it("creates a session without a user if none is given", async () => {
    const app = createTestApp()
    const first = await init(app, { api_key: "one" })
    const again = await init(app, { api_key: "one" })
    const other = await init(app, { api_key: "two" })
    expect([first, again, other].map(({ body }) => body.user_id)).toEqual(["", "", ""])
    expect(JSON.stringify(decodeJwt(first.body.session_token ?? ""))).not.toContain("one")
  })

  it("returns a new token for a session of the same key and user", async () => {
    const app = createTestApp()
    const first = await init(app, { api_key: "key", user_id: "ada" })
    app.clock.time += 30_000
    const fresh = await init(app, { api_key: "key", user_id: "ada", session_id: first.body.session_id })
    expect(fresh.response.status).toBe(200)
    expect(fresh.body.session_id).toBe(first.body.session_id)
    expect(Number(fresh.body.expires_at)).toBe(Number(first.body.expires_at) + 30)
  })

  it("opens a session by an external id, and creates it at the first request", async () => {
    const app = createTestApp()
    const claim = { api_key: "key", user_id: "ada", external_id: "chat 1" }
    const [first, again] = [await init(app, claim), await init(app, claim)]
    expect([first.response.status, again.response.status]).toEqual([200, 200])
    expect(again.body.session_id).toBe(first.body.session_id)
    const other = await init(app, { ...claim, external_id: "chat 2" })
    expect(other.body.session_id).not.toBe(first.body.session_id)
  })

  it("refuses the external id of a revoked session", async () => {
    const app = createTestApp()
    const claim = { api_key: "key", external_id: "chat 1" }
    const { body } = await init(app, claim)
    app.sessions.change(body.session_id ?? "", { revokedAt: 1 })
    const { response } = await init(app, claim)
    expect(response.status).toBe(409)
    expect(await readProblem(response)).toMatchObject({ code: "session_revoked" })
  })

  it.each([
    ["that looks like the id of a session", { external_id: "sess_4fzyo82mvyr7jtnc1q9x" }],
    ["that is empty", { external_id: "" }],
    ["that is too long", { external_id: "x".repeat(201) }],
    ["with control characters", { external_id: "a\nb" }],
    ["with half a character", { external_id: "\ud800" }],
    ["that is not a text", { external_id: 1 }],
    ["beside the id of a session", { external_id: "chat", session_id: "sess_1" }],
  ])("refuses an external id %s", async (_, given) => {
    const { response } = await init(createTestApp(), { api_key: "key", ...given })
    expect(response.status).toBe(422)
  })

  it.each([
    ["another key's", { api_key: "other", user_id: "ada" }],
    ["another user's", { api_key: "key", user_id: "bob" }],
  ])("answers the same for %s session as for a missing one", async (_, principal) => {
    const app = createTestApp()
    const { body } = await init(app, { api_key: "key", user_id: "ada" })
    const theirs = await init(app, { ...principal, session_id: body.session_id })
    const nobodys = await init(app, { ...principal, session_id: "sess_none" })
    expect(theirs.response.status).toBe(404)
    expect(await readProblem(theirs.response)).toEqual(await readProblem(nobodys.response))
  })

  it("answers the same for another agent's session as for a missing one", async () => {
    const app = createTestApp()
    const { body } = await init(app, { api_key: "key" })
    app.sessions.change(body.session_id ?? "", { agent: "other" })
    const theirs = await init(app, { api_key: "key", session_id: body.session_id })
    const nobodys = await init(app, { api_key: "key", session_id: "sess_none" })
    expect(theirs.response.status).toBe(404)
    expect(await readProblem(theirs.response)).toEqual(await readProblem(nobodys.response))
  })

  it("refuses keys that are not on the list", async () => {
    const app = createTestApp({ validApiKeys: ["right"] })
    expect((await init(app, { api_key: "right" })).response.status).toBe(200)
    const { response } = await init(app, { api_key: "wrong" })
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe("Bearer")
    expect(await readProblem(response)).toMatchObject({ code: "invalid_api_key" })
  })

  it.each<[object, string]>([
    [{}, "api_key"],
    [{ api_key: "" }, "api_key"],
    [{ api_key: 1 }, "api_key"],
    [{ api_key: "x".repeat(5000) }, "api_key"],
    [{ api_key: "key", user_id: "" }, "user_id"],
    [{ api_key: "key", user_id: "a\u0000b" }, "user_id"],
    [{ api_key: "key", user_id: "x".repeat(300) }, "user_id"],
    [{ api_key: "key", session_id: "../etc" }, "session_id"],
    [{ api_key: "key", userId: "ada" }, "userId"],
    [{ api_key: "key", [`u${"x".repeat(9_000)}`]: 1 }, `u${"x".repeat(63)}…`],
    [JSON.parse('{"api_key": "key", "__proto__": 1}'), "__proto__"],
  ])("refuses %j by the name of its field", async (body, path) => {
    const { response } = await init(createTestApp(), body)
    expect(response.status).toBe(422)
    const { code, errors } = await readProblem(response)
    expect(code).toBe("invalid_body")
    expect(errors).toHaveProperty("0.path", path)
  })
})
