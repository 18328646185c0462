import { describe, expect, it } from "vitest"
import type { Grant } from "../../../core/ports/store/approvals.ts"
import { createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"
import { createOrigin } from "../../../testing/session-log/waits/tool-origin.ts"
import { grantsResponseSchema } from "../schemas/grants.ts"

async function appWithGrants() {
  const app = createTestApp()
  const { sessionId, headers } = await app.authorize()
  const grantedBy = { via: "http", tenant: "key_1", userId: "ada", address: "192.0.2.1" } as const
  const type = { toolName: "shell", qualifier: "git", origin: null }
  const grant: Grant = { sessionId, ...type, grantedBy, at: 1_700_000_000_999 }
  app.sessions.granted = [
    grant,
    { ...grant, toolName: "look", qualifier: null, origin: createOrigin("tracker"), scope: "tree" },
    { ...grant, toolName: "theirs", sessionId: "sess_other" },
  ]
  const ask = (method: string, query = "") =>
    app.fetch(`/api/chat/grants${query}`, { method, headers }, "192.0.2.7")
  return { app, sessionId, ask }
}

describe("GET /chat/grants", () => {
  it("lists the session's own grants, without their origin", async () => {
    const { ask } = await appWithGrants()
    const response = await ask("GET")
    expect(response.status).toBe(200)
    const grants: unknown = await response.json()
    expect(grantsResponseSchema.parse(grants)).toEqual(grants)
    expect(grants).toEqual({
      grants: [
        { tool_name: "shell", server: null, qualifier: "git", scope: "session", granted_at: 1_700_000_000 },
        { tool_name: "look", server: "tracker", qualifier: null, scope: "tree", granted_at: 1_700_000_000 },
      ],
    })
  })
})

describe("DELETE /chat/grants", () => {
  it("revokes a grant by tool and qualifier, with the person", async () => {
    const { app, sessionId, ask } = await appWithGrants()
    const response = await ask("DELETE", "?tool_name=shell&qualifier=git")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok" })
    expect(app.sessions.revokedGrants).toEqual([
      {
        sessionId,
        toolName: "shell",
        qualifier: "git",
        revokedBy: expect.objectContaining({ via: "http", address: "192.0.2.7", credential: "sessionToken" }),
      },
    ])
  })

  it("revokes a grant without a qualifier if none is given", async () => {
    const { app, ask } = await appWithGrants()
    expect((await ask("DELETE", "?tool_name=look")).status).toBe(200)
    expect(app.sessions.revokedGrants).toMatchObject([{ toolName: "look", qualifier: null }])
  })

  it.each([
    "?tool_name=shell",
    "?tool_name=shell&qualifier=",
    "?tool_name=theirs&qualifier=git",
    "?tool_name=x",
  ])("answers 404 to %s, which was not granted", async (query) => {
    const { ask } = await appWithGrants()
    const response = await ask("DELETE", query)
    expect(response.status).toBe(404)
    expect(await readProblem(response)).toMatchObject({ code: "grant_not_found" })
  })

  it.each(["", "?tool_name=", "?qualifier=git", "?tool_name=a%00b", "?tool_name=look&qualifer=git"])(
    "answers 422 to the query %j",
    async (query) => {
      const { app, ask } = await appWithGrants()
      const response = await ask("DELETE", query)
      expect(response.status).toBe(422)
      expect(await readProblem(response)).toMatchObject({ status: 422 })
      expect(app.sessions.revokedGrants).toEqual([])
    },
  )
})
