import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

const answer = { tool_call_id: "call_1", nonce: "nonce_1", approved: true }

async function decide(body: unknown, setup: Parameters<typeof createTestApp>[0] = {}, from?: string) {
  const app = createTestApp(setup)
  const { sessionId, headers } = await app.authorize()
  const response = await app.fetch("/api/chat/tool-approval", createJsonRequest(body, headers), from)
  return { app, sessionId, response, decided: app.sessions.answers }
}

describe("POST /chat/tool-approval", () => {
  it("passes on a plain approval, with the person and the channel", async () => {
    const { app, sessionId, response, decided } = await decide(answer, {}, "192.0.2.7")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok" })
    const session = await app.sessions.session(sessionId)
    expect(decided).toEqual([
      {
        kind: "approval",
        sessionId,
        toolCallId: "call_1",
        nonce: "nonce_1",
        approved: true,
        allowToolType: false,
        decidedBy: {
          via: "http",
          tenant: session?.tenant,
          userId: session?.userId,
          address: "192.0.2.7",
          credential: "sessionToken",
        },
      },
    ])
  })

  it("passes on edited arguments, a reason and a grant", async () => {
    const input = { command: "ls", deep: { list: [1, null] } }
    const { decided } = await decide({
      ...answer,
      tool_input: input,
      reason: "Only\nthis.",
      allow_tool_type: true,
      scope: "tree",
    })
    expect(decided).toMatchObject([
      { editedInput: input, reason: "Only\nthis.", allowToolType: true, scope: "tree" },
    ])
  })

  it("passes on a denial with its reason, without a grant or an edit", async () => {
    const { decided } = await decide({
      ...answer,
      approved: false,
      allow_tool_type: true,
      tool_input: {},
      reason: "Too dangerous.",
    })
    expect(decided).toHaveLength(1)
    expect(decided[0]).toMatchObject({ approved: false, reason: "Too dangerous." })
    expect(decided[0]).not.toHaveProperty("allowToolType")
    expect(decided[0]).not.toHaveProperty("editedInput")
  })

  it("treats null as missing, and an empty edit as an edit", async () => {
    expect((await decide({ ...answer, tool_input: null, reason: null })).decided[0]).not.toHaveProperty(
      "reason",
    )
    expect((await decide({ ...answer, tool_input: {} })).decided).toMatchObject([{ editedInput: {} }])
  })

  it.each([
    [{ status: "unknown" }, 404, "wait_not_found"],
    [{ status: "answered" }, 409, "already_answered"],
    [{ status: "expired" }, 410, "wait_expired"],
    [{ status: "wrongNonce" }, 403, "wrong_nonce"],
    [{ status: "invalid", message: "command: expected a string" }, 422, "invalid_answer"],
  ] as const)("answers %j with %i %s", async (outcome, status, code) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.answerOutcome = outcome
    const response = await app.fetch("/api/chat/tool-approval", createJsonRequest(answer, headers))
    expect(response.status).toBe(status)
    const problem = await readProblem(response)
    expect(problem).toMatchObject({ code, status })
    if ("message" in outcome) expect(problem.detail).toBe(outcome.message)
  })

  it.each<[object, string]>([
    [{ ...answer, tool_call_id: undefined }, "tool_call_id"],
    [{ ...answer, tool_call_id: "../x" }, "tool_call_id"],
    [{ ...answer, nonce: undefined }, "nonce"],
    [{ ...answer, nonce: "a\u0000" }, "nonce"],
    [{ ...answer, approved: undefined }, "approved"],
    [{ ...answer, approved: "true" }, "approved"],
    [{ ...answer, approved: null }, "approved"],
    [{ ...answer, allow_tool_type: 1 }, "allow_tool_type"],
    [{ ...answer, scope: "all" }, "scope"],
    [{ ...answer, tool_input: [] }, "tool_input"],
    [{ ...answer, tool_input: "{}" }, "tool_input"],
    [{ ...answer, reason: 1 }, "reason"],
    [{ ...answer, reason: "x".repeat(5_000) }, "reason"],
    [{ ...answer, reason: "a\u0000b" }, "reason"],
    [{ ...answer, toolInput: { command: "ls" } }, "toolInput"],
    [{ ...answer, tool_inputs: { command: "ls" } }, "tool_inputs"],
  ])("refuses %j by the name of its field", async (body, path) => {
    const { response, decided } = await decide(body)
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_body", errors: [{ path }] })
    expect(decided).toEqual([])
  })

  it("is accepted while the server stops: the answer is durable, and a process acts on it later", async () => {
    let accepting = true
    const app = createTestApp({ accepting: () => accepting })
    const { headers } = await app.authorize()
    accepting = false
    expect((await app.fetch("/api/chat/tool-approval", createJsonRequest(answer, headers))).status).toBe(200)
  })
})
