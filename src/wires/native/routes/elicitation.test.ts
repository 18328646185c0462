import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

const answer = { tool_call_id: "call_1", nonce: "nonce_1", action: "accept", content: { name: "Ada" } }

async function respond(body: unknown) {
  const app = createTestApp()
  const { sessionId, headers } = await app.authorize()
  const response = await app.fetch("/api/chat/elicitation", createJsonRequest(body, headers), "192.0.2.7")
  return { app, sessionId, response, responses: app.sessions.answers }
}

describe("POST /chat/elicitation", () => {
  it("passes on the form's values, with the person and the channel", async () => {
    const { sessionId, response, responses } = await respond(answer)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok" })
    expect(responses).toMatchObject([
      {
        sessionId,
        toolCallId: "call_1",
        nonce: "nonce_1",
        action: "accept",
        content: { name: "Ada" },
        decidedBy: { via: "http", address: "192.0.2.7", credential: "sessionToken" },
      },
    ])
  })

  it.each([undefined, null])("treats %j as no content", async (content) => {
    const { responses } = await respond({ ...answer, action: "decline", content })
    expect(responses).toMatchObject([{ action: "decline" }])
    expect(responses[0]).not.toHaveProperty("content")
  })

  it.each([
    [{ status: "unknown" }, 404, "wait_not_found"],
    [{ status: "answered" }, 409, "already_answered"],
    [{ status: "expired" }, 410, "wait_expired"],
    [{ status: "wrongNonce" }, 403, "wrong_nonce"],
    [{ status: "invalid", message: "name: expected a string" }, 422, "invalid_answer"],
  ] as const)("answers %j with %i %s", async (outcome, status, code) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.answerOutcome = outcome
    const response = await app.fetch("/api/chat/elicitation", createJsonRequest(answer, headers))
    expect(response.status).toBe(status)
    expect(await readProblem(response)).toMatchObject({ code, status })
  })

  it.each<[object, string]>([
    [{ ...answer, tool_call_id: undefined }, "tool_call_id"],
    [{ ...answer, nonce: "a\u0000" }, "nonce"],
    [{ ...answer, action: undefined }, "action"],
    [{ ...answer, action: "approve" }, "action"],
    [{ ...answer, content: [] }, "content"],
    [{ ...answer, content: "{}" }, "content"],
    [{ ...answer, action: "decline", reason: "No." }, "reason"],
  ])("refuses %j by the name of its field", async (body, path) => {
    const { response, responses } = await respond(body)
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_body", errors: [{ path }] })
    expect(responses).toEqual([])
  })
})
