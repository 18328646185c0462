import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

const call = { tool_call_id: "call_1", nonce: "nonce_1" }

async function submit(body: unknown) {
  const app = createTestApp()
  const { sessionId, headers } = await app.authorize()
  const response = await app.fetch("/api/chat/tool-result", createJsonRequest(body, headers), "192.0.2.7")
  return { app, sessionId, response, submitted: app.sessions.answers }
}

describe("POST /chat/tool-result", () => {
  it("passes on the result, with the person and the channel", async () => {
    const { app, sessionId, response, submitted } = await submit({
      ...call,
      result: { at: [1] },
      error: null,
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok" })
    const session = await app.sessions.session(sessionId)
    expect(submitted).toEqual([
      {
        kind: "clientTool",
        sessionId,
        toolCallId: "call_1",
        nonce: "nonce_1",
        result: { type: "json", value: { at: [1] } },
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

  it.each([
    [{ result: "text" }, { type: "json", value: "text" }],
    [
      { result: false, error: null },
      { type: "json", value: false },
    ],
    [
      { result: null, error: null },
      { type: "json", value: null },
    ],
    [{ result: null }, { type: "json", value: null }],
    [{}, { type: "json", value: null }],
    [
      { result: null, error: { code: "denied", message: "The user\nclosed it." } },
      { type: "error", code: "denied", message: "The user\nclosed it." },
    ],
    [
      { result: { success: false }, is_error: true, warning: "Odd." },
      { type: "json", value: { success: false }, isError: true, warning: "Odd." },
    ],
    [
      { error: { code: "failed", sub_code: "not_found", message: "" } },
      { type: "error", code: "failed", subCode: "not_found", message: "" },
    ],
    [{ error: { code: "denied", message: "" } }, { type: "error", code: "denied", message: "" }],
  ])("converts %j to %j", async (body, result) => {
    const { submitted } = await submit({ ...call, ...body })
    expect(submitted).toMatchObject([{ result }])
  })

  it.each([
    [{ status: "unknown" }, 404, "wait_not_found"],
    [{ status: "answered" }, 409, "already_answered"],
    [{ status: "expired" }, 410, "wait_expired"],
    [{ status: "wrongNonce" }, 403, "wrong_nonce"],
  ] as const)("answers %j with %i %s", async (outcome, status, code) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.answerOutcome = outcome
    const response = await app.fetch(
      "/api/chat/tool-result",
      createJsonRequest({ ...call, result: 1 }, headers),
    )
    expect(response.status).toBe(status)
    expect(await readProblem(response)).toMatchObject({ code, status })
  })

  const error = { code: "c", message: "m" }
  it.each<[object, string]>([
    [{ ...call, result: 1, error }, ""],
    [{ ...call, result: false, error }, ""],
    [{ ...call, is_error: true, error }, ""],
    [{ ...call, warning: "Odd.", error }, ""],
    [{ ...call, result: 1, warning: "" }, "warning"],
    [{ ...call, error: "failed" }, "error"],
    [{ ...call, error: { code: "c" } }, "error.message"],
    [{ ...call, error: { ...error, code: "" } }, "error.code"],
    [{ ...call, error: { ...error, subcode: "d" } }, "error.subcode"],
    [{ ...call, results: 1 }, "results"],
    [{ ...call, err: error }, "err"],
    [{ nonce: "nonce_1", result: 1 }, "tool_call_id"],
    [{ tool_call_id: "call_1", result: 1 }, "nonce"],
  ])("refuses %j by the name of its field", async (body, path) => {
    const { response, submitted } = await submit(body)
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_body", errors: [{ path }] })
    expect(submitted).toEqual([])
  })
})
