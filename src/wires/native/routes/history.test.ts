import { describe, expect, it, onTestFinished, vi } from "vitest"
import { serve } from "../../../http/fixtures/serve.ts"
import { createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"
import { createOrigin } from "../../../testing/session-log/waits/tool-origin.ts"
import { historyResponseSchema } from "../schemas/history.ts"

const noUsageYet = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  estimated_cost: 0,
}

/** A message with 100 000 characters. */
const longMessage = { role: "user", content: [{ type: "text", text: "x".repeat(100_000) }] } as const

describe("GET /chat/history", () => {
  it("streams a long history in pieces of one document", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.messages = Array(20).fill(longMessage)
    const response = await app.fetch("/api/chat/history", { headers })
    expect(response.headers.get("content-type")).toBe("application/json")
    const history: unknown = await response.json()
    expect(historyResponseSchema.parse(history)).toEqual(history)
    expect(history).toHaveProperty("messages.length", 20)
  })

  it("streams a message of many megabytes in small pieces", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const text = '"名\\n'.repeat(1_000_000)
    app.sessions.messages = [{ role: "user", content: [{ type: "text", text }] }]
    const response = await app.fetch("/api/chat/history", { headers })
    const sizes: number[] = []
    const decoder = new TextDecoder()
    let json = ""
    for await (const chunk of response.body ?? []) {
      sizes.push(chunk.byteLength)
      json += decoder.decode(chunk, { stream: true })
    }
    expect(JSON.parse(json).messages[0].content[0].text === text).toBe(true)
    expect(sizes.length).toBeGreaterThan(20)
    expect(Math.max(...sizes)).toBeLessThan(600_000)
  })

  it("reads a limited number of bytes of one user's sessions at once, until their clients have received them or left", async () => {
    const app = createTestApp()
    const { sessionId, headers } = await app.authorize()
    app.sessions.messages = Array(20).fill(longMessage)
    app.sessions.change(sessionId, { storedBytes: 30 * 1024 * 1024 })
    const read = (method = "GET") => app.fetch("/api/chat/history", { method, headers })
    const [first, second] = [await read(), await read()]
    const refused = await read()
    expect(refused.status).toBe(429)
    expect(refused.headers.get("retry-after")).toBe("1")
    expect(await readProblem(refused)).toMatchObject({ code: "too_many_history_reads" })
    await first.text()
    expect((await read("HEAD")).status).toBe(200)
    const third = await read()
    expect(third.status).toBe(200)
    expect((await read()).status).toBe(429)
    await Promise.all([second.body?.cancel(), third.body?.cancel()])
    expect((await read()).status).toBe(200)
  })

  it("ends the read when the client has the head, or leaves before or after the first piece", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.messages = Array(20).fill(longMessage)
    const read = (method = "GET") => app.fetch("/api/chat/history", { method, headers })
    await read("HEAD")
    expect(app.sessions.openHistories).toBe(0)
    await (await read()).body?.cancel()
    expect(app.sessions.openHistories).toBe(0)
    const reader = (await read()).body?.getReader()
    for (let count = 0; count < 4; count++) await reader?.read()
    expect(app.sessions.openHistories).toBe(1)
    await reader?.cancel()
    expect(app.sessions.openHistories).toBe(0)
  })

  it.each([true, false])(
    "stops waiting if the client leaves before the response (own server: %s)",
    async (own) => {
      const app = createTestApp()
      const { sessionId, headers } = await app.authorize()
      app.sessions.change(sessionId, { storedBytes: 60 * 1024 * 1024 })
      app.sessions.historyWaits = true
      const server = await serve(app, { own })
      onTestFinished(() => server.close())
      const client = new AbortController()
      const url = `${server.url}/api/chat/history`
      const waiting = fetch(url, { headers, signal: client.signal })
      await vi.waitFor(() => expect(app.sessions.openHistories).toBe(1))
      client.abort()
      await expect(waiting).rejects.toThrow("aborted")
      await vi.waitFor(() => expect(app.sessions.openHistories).toBe(0))
      app.sessions.historyWaits = false
      expect((await fetch(url, { headers })).status).toBe(200)
      expect(app.errors).toEqual([])
    },
  )

  it("truncates the response when the rest cannot be read, and logs the reason", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.messages = Array(20).fill(longMessage)
    app.sessions.historyFailure = new Error("store gone")
    const response = await app.fetch("/api/chat/history", { headers })
    await expect(response.text()).rejects.toThrow()
    expect(app.errors).toEqual([
      { message: expect.any(String), fields: { error: app.sessions.historyFailure } },
    ])
  })

  it("shows every kind of message in the client's form, without vendor data", async () => {
    const app = createTestApp()
    const { sessionId, headers } = await app.authorize()
    const vendor = { provider: "anthropic", data: { signature: "secret" } }
    app.sessions.messages = [
      { role: "system", content: [{ type: "text", text: "Be kind." }] },
      {
        role: "user",
        content: [
          { type: "text", text: "Look." },
          { type: "image", source: { type: "base64", mediaType: "image/png", data: "aGk=" } },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", text: "Hm.", vendor },
          { type: "opaque", vendor },
          { type: "text", text: "I look." },
          { type: "toolCall", toolCallId: "call_1", name: "look", input: { at: 1 }, vendor },
        ],
      },
      {
        role: "tool",
        results: [
          { toolCallId: "call_1", result: { type: "json", value: [1] } },
          { toolCallId: "call_2", result: { type: "content", content: [{ type: "text", text: "seen" }] } },
          { toolCallId: "call_3", result: { type: "error", code: "blind", message: "Cannot see." } },
        ],
      },
    ]
    const activeRun = { id: "run_1", sessionId, cursor: 7, state: "open", endSeq: null } as const
    app.sessions.change(sessionId, { activeRun })

    const response = await app.fetch("/api/chat/history", { headers })
    const history: unknown = await response.json()
    expect(historyResponseSchema.parse(history)).toEqual(history)
    expect(history).toEqual({
      has_more: false,
      before: null,
      messages: [
        { role: "system", content: [{ type: "text", text: "Be kind." }] },
        {
          role: "user",
          content: [
            { type: "text", text: "Look." },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", text: "Hm." },
            { type: "text", text: "I look." },
            { type: "tool_call", tool_call_id: "call_1", tool_name: "look", tool_input: { at: 1 } },
          ],
        },
        {
          role: "tool",
          content: [
            { type: "tool_result", tool_call_id: "call_1", result: [1], error: null },
            {
              type: "tool_result",
              tool_call_id: "call_2",
              result: { content: [{ type: "text", text: "seen" }] },
              error: null,
            },
            {
              type: "tool_result",
              tool_call_id: "call_3",
              result: null,
              error: { code: "blind", message: "Cannot see." },
            },
          ],
        },
      ],
      pending_approvals: [],
      pending_tool_calls: [],
      queued_runs: [],
      steering_messages: [],
      running_tasks: [],
      pending_elicitations: [],
      usage: noUsageYet,
      active_run: { run_id: "run_1", cursor: 7 },
      last_seq: 0,
    })
  })

  it("marks the places of summaries in messages of the assistant", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const says = (role: "user" | "assistant", text: string) =>
      ({ role, content: [{ type: "text", text }] }) as const
    const mark = { characters: 9, tokensBefore: 90, tokensAfter: 30 }
    app.sessions.messages = [says("user", "a"), says("assistant", "b"), says("user", "c")]
    app.sessions.marks = [1, 2, 3].map((index) => ({ type: "compaction", index, seq: index * 10, ...mark }))
    const response = await app.fetch("/api/chat/history", { headers })
    const history = historyResponseSchema.parse(await response.json())
    const block = (cursor: number) => ({
      ...{ type: "compaction", cursor, chars: 9 },
      ...{ tokens_before: 90, tokens_after: 30 },
    })
    expect(history.messages).toEqual([
      says("user", "a"),
      { role: "assistant", content: [block(10), { type: "text", text: "b" }] },
      { role: "assistant", content: [block(20)] },
      says("user", "c"),
      { role: "assistant", content: [block(30)] },
    ])
  })

  it("has the messages that wait, and null in place of large ones", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const content = [{ type: "text", text: "Then." }] as const
    app.sessions.queued = [
      { runId: "run_2", position: 1, notBefore: 0 },
      { runId: "run_3", position: 2, notBefore: 60_000 },
    ]
    app.sessions.inboxMessages = [
      { id: 5, runId: "run_2", steers: false, content },
      { id: 6, runId: "run_3", steers: false, content: null },
      { id: 7, runId: "run_1", steers: true, content },
    ]
    const response = await app.fetch("/api/chat/history", { headers })
    expect(historyResponseSchema.parse(await response.json())).toMatchObject({
      queued_runs: [
        { run_id: "run_2", position: 1, not_before: null, content },
        { run_id: "run_3", position: 2, not_before: 60, content: null },
      ],
      steering_messages: [{ message_id: "7", content }],
    })
  })

  it("is empty for a new session", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const response = await app.fetch("/api/chat/history", { headers })
    expect(await response.json()).toEqual({
      has_more: false,
      before: null,
      messages: [],
      pending_approvals: [],
      pending_tool_calls: [],
      queued_runs: [],
      steering_messages: [],
      running_tasks: [],
      pending_elicitations: [],
      usage: noUsageYet,
      active_run: null,
      last_seq: 0,
    })
  })

  it("shows open waits, with everything that an answer needs", async () => {
    const app = createTestApp()
    const { sessionId, headers } = await app.authorize()
    const wait = {
      sessionId,
      rootSessionId: sessionId,
      tenant: "key_1",
      userId: "ada",
      state: "open",
      waitId: "wait_1",
      toolCallId: "call_1",
      runId: "run_1",
      toolName: "shell",
      answerSchema: { type: "object" },
      origin: createOrigin("git tools"),
      nonce: "nonce_1",
      openedAt: 1_700_000_000_000,
      expiresAt: 1_700_000_060_999,
    } as const
    const input = { command: "git push" }
    const approval = { input, qualifier: "git", reason: "It leaves the machine." }
    app.sessions.waits = [
      { ...wait, kind: "approval", payload: approval },
      {
        ...wait,
        kind: "clientTool",
        toolCallId: "call_2",
        nonce: "nonce_2",
        payload: { input, callIndex: 0 },
      },
      { ...wait, kind: "timer", toolCallId: "call_5", payload: {} },
    ]
    const question = { mode: "form", message: "Who?", schema: { type: "object" } } as const
    const page = { mode: "url", message: "Pay.", url: "https://pay.example", elicitationId: null } as const
    app.sessions.waits = [
      ...app.sessions.waits,
      {
        ...wait,
        kind: "elicitation",
        toolCallId: "call_3",
        origin: createOrigin("hotel"),
        payload: { question, server: "hotel" },
      },
      {
        ...wait,
        kind: "elicitation",
        toolCallId: "call_4",
        origin: null,
        payload: { question: page, server: null },
      },
    ]
    const history = (await (await app.fetch("/api/chat/history", { headers })).json()) as object
    expect(historyResponseSchema.parse(history)).toEqual(history)
    const asked = { expires_at: 1_700_000_060, nonce: "nonce_1", tool_name: "shell" }
    expect(history).toMatchObject({
      queued_runs: [],
      steering_messages: [],
      running_tasks: [],
      pending_elicitations: [
        { ...asked, tool_call_id: "call_3", server: "hotel", ...question },
        { ...asked, tool_call_id: "call_4", server: null, mode: "url", url: "https://pay.example" },
      ],
    })
    const common = { expires_at: 1_700_000_060, tool_name: "shell", tool_input: { command: "git push" } }
    expect(history).toMatchObject({
      pending_approvals: [
        {
          ...common,
          tool_call_id: "call_1",
          nonce: "nonce_1",
          server: "git tools",
          resolved_qualifier: "git",
          reason: "It leaves the machine.",
        },
      ],
      pending_tool_calls: [{ ...common, tool_call_id: "call_2", nonce: "nonce_2" }],
    })
  })

  it("returns one page, and the end of the next one", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    app.sessions.historyBefore = 1_000_000_007
    const first = await app.fetch("/api/chat/history?limit=20", { headers })
    expect(await first.json()).toMatchObject({ has_more: true, before: 1_000_000_007 })
    app.sessions.historyBefore = null
    const second = await app.fetch("/api/chat/history?before=1000000007", { headers })
    expect(await second.json()).toMatchObject({ has_more: false, before: null })
    expect(app.sessions.historyQueries).toEqual([{ runs: 20 }, { runs: 20, before: 1_000_000_007 }])
  })

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=5&before=-1", "before"],
    ["limit=5&before=99999999999999999999", "before"],
    ["before=9999999999999999", "before"],
    ["limt=5", "limt"],
  ])("refuses the query %s", async (query, path) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const refused = await app.fetch(`/api/chat/history?${query}`, { headers })
    expect(refused.status).toBe(422)
    expect(await readProblem(refused)).toMatchObject({ errors: [{ path }] })
    expect(app.sessions.historyQueries).toEqual([])
  })
})
