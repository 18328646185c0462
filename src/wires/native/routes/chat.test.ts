import { describe, expect, it } from "vitest"
import { createText, runCompleted, runStarted } from "../../../http/fixtures/entries.ts"
import { readFrames } from "../../../http/fixtures/frames.ts"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

const hello = { messages: [{ role: "user", content: "hello" }] }

async function chat(
  body: unknown,
  setup: Parameters<typeof createTestApp>[0] = {},
  more: Record<string, string> = {},
) {
  const app = createTestApp(setup)
  const { headers } = await app.authorize()
  const response = await app.fetch("/api/chat", createJsonRequest(body, { ...headers, ...more }))
  return { app, response, started: app.sessions.starts.at(-1) }
}

describe("POST /chat", () => {
  it("streams the run it starts, from its cursor to its end", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.startOutcome = { status: "accepted", runId: "run_9", cursor: 0 }
    const response = await app.fetch("/api/chat", createJsonRequest(hello, headers))
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/event-stream")
    expect(response.headers.get("cache-control")).toBe("no-cache, no-transform")
    expect(response.headers.get("x-accel-buffering")).toBe("no")
    expect(response.headers.get("x-run-id")).toBe("run_9")
    expect(response.headers.get("x-cursor")).toBe("0")
    app.sessions.publish(runStarted, createText("Hi"))
    app.sessions.publish(runCompleted)
    const frames = await readFrames(response)
    expect(frames.map(({ id, data }) => [id, data.type])).toEqual([
      ["2", "text_delta"],
      ["3", "stream_complete"],
    ])
    expect(app.sessions.views[0]).toMatchObject({ runId: "run_9", afterSeq: 0 })
  })

  it("passes on the whole conversation", async () => {
    const { started } = await chat({
      messages: [
        { role: "user", content: "one" },
        { role: "assistant", content: "two" },
        { role: "assistant", content: [{ type: "text", text: "three" }] },
        { role: "user", content: [{ type: "text", text: "four" }] },
      ],
      context: { channel: "web", deep: { list: [1, null] } },
      model: "big",
    })
    const textPart = (value: string) => [{ type: "text", text: value }]
    expect(started).toMatchObject({
      sessionId: "sess_1",
      input: {
        type: "conversation",
        messages: [
          { role: "user", content: textPart("one") },
          { role: "assistant", content: textPart("two") },
          { role: "assistant", content: textPart("three") },
          { role: "user", content: textPart("four") },
        ],
      },
      context: { channel: "web", deep: { list: [1, null] } },
      channel: "web",
      model: "big",
      idempotency: null,
    })
  })

  it("passes on the request to agents that use it, and keeps no other", async () => {
    const agents = [{ name: "agent", usesRequests: true }]
    const request = (await chat({ ...hello, model: "big" }, { agents })).started?.request?.()
    expect(request?.headers.get("content-type")).toBe("application/json")
    expect(await request?.json()).toMatchObject({ model: "big" })
    expect((await chat(hello)).started?.request).toBe(undefined)
  })

  it("leaves out an empty assistant message", async () => {
    const messages = [
      { role: "user", content: "one" },
      { role: "assistant", content: "" },
      { role: "user", content: "two" },
    ]
    const { started } = await chat({ messages })
    expect(started?.input).toMatchObject({ messages: [{ role: "user" }, { role: "user" }] })
  })

  it("passes on a single message with images", async () => {
    const { started } = await chat({
      message: [
        { type: "text", text: "What is this?" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      ],
    })
    expect(started).toMatchObject({ context: {}, channel: null, model: null })
    expect(started?.input).toEqual({
      type: "message",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image", source: { type: "base64", mediaType: "image/png", data: "aGk=" } },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      ],
    })
  })

  const image = (source: object) => ({ message: [{ type: "image", source }] })
  it.each<[string, unknown, string]>([
    ["nothing said", {}, ""],
    ["both forms", { ...hello, message: "hello" }, ""],
    ["no messages", { messages: [] }, "messages"],
    ["messages that are no list", { messages: "hello" }, "messages"],
    ["a message that is no object", { messages: ["hello"] }, "messages.0"],
    ["an unknown role", { messages: [{ role: "tool", content: "x" }] }, "messages.0.role"],
    ["no content", { messages: [{ role: "user" }] }, "messages.0.content"],
    ["empty content", { messages: [{ role: "user", content: "" }] }, "messages.0.content"],
    ["an empty list", { messages: [{ role: "user", content: [] }] }, "messages.0.content"],
    ["content that is a number", { messages: [{ role: "user", content: 1 }] }, "messages.0.content"],
    ["an empty message", { message: "" }, "message"],
    ["an unknown block", { message: [{ type: "audio" }] }, "message.0.type"],
    ["a text that is a number", { message: [{ type: "text", text: 1 }] }, "message.0.text"],
    [
      "an assistant's block that only the server has",
      { messages: [{ role: "assistant", content: [{ type: "tool_use", id: "1" }] }, ...hello.messages] },
      "messages.0.content.0.type",
    ],
    [
      "a last message that is not the user's",
      { messages: [{ role: "assistant", content: "x" }] },
      "messages.0.role",
    ],
    ["an image of no source", { message: [{ type: "image" }] }, "message.0.source"],
    [
      "an image of another type",
      image({ type: "base64", media_type: "image/svg+xml", data: "aGk=" }),
      "message.0.source.media_type",
    ],
    [
      "an image that is not base64",
      image({ type: "base64", media_type: "image/png", data: "not base64!" }),
      "message.0.source.data",
    ],
    ["an empty image", image({ type: "base64", media_type: "image/png", data: "" }), "message.0.source.data"],
    ["an image of a file", image({ type: "url", url: "file:///etc/passwd" }), "message.0.source.url"],
    ["a context that is a list", { ...hello, context: [] }, "context"],
    ["a context that is text", { ...hello, context: "x" }, "context"],
    ["a context that is too large", { ...hello, context: { a: "x".repeat(70_000) } }, "context"],
    ["a channel that is a number", { ...hello, context: { channel: 1 } }, "context.channel"],
    ["a model that is a number", { ...hello, model: 1 }, "model"],
  ])("refuses %s by the path of the field", async (_, body, path) => {
    const { app, response } = await chat(body)
    expect(response.status).toBe(422)
    const { code, errors } = await readProblem(response)
    expect(code).toBe("invalid_body")
    expect(errors).toHaveProperty("0.path", path)
    expect(app.sessions.starts).toEqual([])
  })

  it("names a bounded number of fields", async () => {
    const { response } = await chat({ messages: Array(1000).fill({ role: "user", content: 1 }) })
    expect((await readProblem(response)).errors).toHaveLength(20)
  })

  const withSystem = { messages: [{ role: "system", content: "Obey." }, ...hello.messages] }

  it("refuses system messages unless they are allowed", async () => {
    const { response } = await chat(withSystem)
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({
      code: "system_message_not_allowed",
      errors: [{ path: "messages.0.role" }],
    })
    const allowed = await chat(withSystem, { allowSystemMessages: true })
    expect(allowed.response.status).toBe(200)
    expect(allowed.started?.input).toMatchObject({ messages: [{ role: "system" }, { role: "user" }] })
  })

  it("names the types that a field may have", async () => {
    const { response } = await chat({ message: 5 })
    expect(await readProblem(response)).toMatchObject({
      errors: [{ path: "message", message: "Invalid input: expected string or array" }],
    })
  })

  it("refuses models that are not allowed", async () => {
    const agents = [{ name: "agent", allowedModels: ["small"] }]
    const { response } = await chat({ ...hello, model: "big" }, { agents })
    expect(response.status).toBe(400)
    expect(await readProblem(response)).toMatchObject({ code: "model_not_allowed" })
    expect((await chat({ ...hello, model: "small" }, { agents })).response.status).toBe(200)
    expect((await chat(hello, { agents })).response.status).toBe(200)
  })

  it("takes null for no model, as clients with optional fields send it", async () => {
    const agents = [{ name: "agent", allowedModels: ["small"] }]
    const { response, started } = await chat({ ...hello, model: null }, { agents })
    expect(response.status).toBe(200)
    expect(started?.model).toBeNull()
  })

  it.each([
    [["small", "middle"], "Leave out `model`, or set it to one of these: small, middle."],
    [Array.from({ length: 22 }, (_, index) => `m${index}`), " m18, m19, and 2 more."],
    [[], "Clients of this agent may not choose a model. Leave out `model`."],
  ])("names the models that are allowed: %j", async (allowedModels, ending) => {
    const agents = [{ name: "agent", allowedModels }]
    const { response } = await chat({ ...hello, model: "big" }, { agents })
    const { detail } = await readProblem(response)
    expect(String(detail).endsWith(ending)).toBe(true)
    expect(detail).not.toContain("m20")
  })

  it("hashes equal bodies equally and others otherwise", async () => {
    const key = { "idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"' }
    const hash = async (body: string) => (await chat(body, {}, key)).started?.idempotency?.bodyHash
    const first = await hash('{"message":"hi","context":{"a":1,"b":2}}')
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(await hash('{ "context": {"b":2, "a":1}, "message":"hi" }')).toBe(first)
    expect(await hash('{"message":"hi","context":{"a":1,"b":3}}')).not.toBe(first)
    expect(await hash('{"message":"hi","context":{"a":1,"b":2},"model":"m"}')).not.toBe(first)
  })

  it.each(["", "x".repeat(256), "with space", "ünïcode"])("refuses the idempotency key %j", async (key) => {
    const { response } = await chat(hello, {}, { "idempotency-key": key })
    expect(response.status).toBe(400)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_idempotency_key" })
  })

  it("streams the existing run for a repeated request", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.publish(createText("old"), runCompleted)
    app.sessions.startOutcome = { status: "duplicate", runId: "run_1", cursor: 0 }
    const response = await app.fetch(
      "/api/chat",
      createJsonRequest(hello, { ...headers, "idempotency-key": "k" }),
    )
    expect(response.status).toBe(200)
    expect(response.headers.get("x-run-id")).toBe("run_1")
    expect((await readFrames(response)).map(({ data }) => data.type)).toEqual([
      "text_delta",
      "stream_complete",
    ])
  })

  it.each([
    [{ status: "busy", runId: "run_7" }, 409, { code: "run_active", run_id: "run_7" }],
    [{ status: "full", scope: "session" }, 413, { code: "session_too_large" }],
    [{ status: "full", scope: "principal" }, 413, { code: "principal_storage_exceeded" }],
    [{ status: "keyReused" }, 422, { code: "idempotency_key_reused" }],
    [{ status: "revoked" }, 401, { code: "session_revoked" }],
    [{ status: "unknown" }, 401, { code: "session_not_found" }],
  ] as const)("answers %j with %i", async (outcome, status, problem) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.startOutcome = outcome
    const response = await app.fetch("/api/chat", createJsonRequest(hello, headers))
    expect(response.status).toBe(status)
    expect(await readProblem(response)).toMatchObject({ status, ...problem })
  })

  it("ignores Last-Event-ID", async () => {
    const { app, response } = await chat(hello, {}, { "last-event-id": "99" })
    app.sessions.end()
    await response.text()
    expect(app.sessions.views[0]).toMatchObject({ afterSeq: 0 })
  })
})
