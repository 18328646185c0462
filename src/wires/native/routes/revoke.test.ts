import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"
import { createRequest, protectedRoutes } from "../fixtures/protected-routes.ts"

describe("POST /chat/revoke", () => {
  it("ends the session for all its tokens, and no other session", async () => {
    const app = createTestApp()
    const { sessionId, headers } = await app.authorize()
    const other = await app.authorize()
    app.clock.time += 1_000
    const init = createJsonRequest({ api_key: "key", user_id: "ada", session_id: sessionId })
    const second = (await (await app.fetch("/api/chat/init", init)).json()) as Record<string, string>

    const response = await app.fetch("/api/chat/revoke", { method: "POST", headers })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok" })

    for (const authorization of [headers.authorization ?? "", `Bearer ${second.session_token}`]) {
      for (const route of protectedRoutes) {
        const refused = await app.fetch(...createRequest(route, { authorization }))
        expect(refused.status).toBe(401)
        expect(await readProblem(refused)).toMatchObject({ code: "session_revoked" })
      }
    }
    expect((await app.fetch("/api/chat/history", { headers: other.headers })).status).toBe(200)
  })

  it("makes the session look like a missing one", async () => {
    const app = createTestApp()
    const { sessionId, headers } = await app.authorize()
    await app.fetch("/api/chat/revoke", { method: "POST", headers })
    const again = (id: string) =>
      app.fetch("/api/chat/init", createJsonRequest({ api_key: "key", user_id: "ada", session_id: id }))
    const revoked = await again(sessionId)
    expect(revoked.status).toBe(404)
    expect(await readProblem(revoked)).toEqual(await readProblem(await again("sess_none")))
  })
})
