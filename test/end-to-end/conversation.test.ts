import { expect, test } from "vitest"
import { assemble, ids, types } from "./support/assemble.ts"
import { startGateway } from "./support/gateway-process.ts"
import { answers, calls, gate, pausing, says, startModel, words } from "./support/model.ts"
import { startSession } from "./support/session-client.ts"
import { sharedGateway } from "./support/shared-gateway.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const serving = sharedGateway()

const usage = (input_tokens: number, output_tokens: number) => ({
  input_tokens,
  output_tokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  // US dollars for the default model: two for a million input tokens, and ten for a million output tokens.
  estimated_cost: (2 * input_tokens + 10 * output_tokens) / 1_000_000,
})

test("a response of thinking and text is streamed frame by frame, and is in the history", async () => {
  const { session } = await serving([
    answers([
      { type: "thinking", text: ["Hm, ", "so."], signature: "signed" },
      { type: "text", text: ["Hello", " you", " – ä💡\n\ndata: not a frame"] },
    ]),
  ])
  const stream = await session.chat("Hi")
  const { headers } = stream.response
  expect(headers.get("content-type")).toBe("text/event-stream")
  expect(headers.get("cache-control")).toBe("no-cache, no-transform")
  expect(headers.get("x-accel-buffering")).toBe("no")
  const frames = await stream.rest()
  expect(frames.map(({ event }) => event)).toEqual([
    { type: "thinking_delta", text: "Hm, " },
    { type: "thinking_delta", text: "so." },
    { type: "text_delta", text: "Hello" },
    { type: "text_delta", text: " you" },
    { type: "text_delta", text: " – ä💡\n\ndata: not a frame" },
    { type: "turn_complete", turn: 1, usage: usage(10, 6) },
    { type: "stream_complete", usage: usage(10, 6), terminal_disposition: "completed" },
  ])
  const seen = ids(frames)
  expect(seen).toHaveLength(frames.length)
  expect(seen).toEqual([...new Set(seen)].sort((left, right) => left - right))
  expect(seen[0]).toBeGreaterThan(Number(headers.get("x-cursor")))

  expect(await session.history()).toEqual({
    messages: [
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      {
        role: "assistant",
        content: [
          { type: "thinking", text: "Hm, so." },
          { type: "text", text: "Hello you – ä💡\n\ndata: not a frame" },
        ],
      },
    ],
    queued_runs: [],
    steering_messages: [],
    running_tasks: [],
    pending_approvals: [],
    pending_tool_calls: [],
    pending_elicitations: [],
    active_run: null,
    usage: usage(10, 6),
    has_more: false,
    before: null,
    last_seq: seen.at(-1),
  })
})

test("a tool is called and its result is sent to the model, with the vendor's own id and signature", async () => {
  const { session, model } = await serving([
    answers([
      { type: "thinking", text: "I need to add.", signature: "signed-by-vendor" },
      { type: "text", text: "Adding." },
      { type: "toolCall", id: "toolu_vendor", name: "add", input: { a: 2, b: 40 } },
    ]),
    says("It is ", "42."),
  ])
  const frames = await (await session.chat("2 + 40?")).rest()
  const call = { tool_call_id: expect.stringMatching(/^call_\w+$/), tool_name: "add" }
  expect(frames.map(({ event }) => event)).toEqual([
    { type: "thinking_delta", text: "I need to add." },
    { type: "text_delta", text: "Adding." },
    {
      type: "tool_call_start",
      ...call,
      tool_input: { a: 2, b: 40 },
      execution_location: "backend",
      call_index: 0,
    },
    {
      type: "tool_call_complete",
      ...call,
      result: { sum: 42 },
      error: null,
      duration_ms: expect.any(Number),
      server: null,
      execution_location: "backend",
    },
    { type: "turn_complete", turn: 1, usage: expect.anything() },
    { type: "text_delta", text: "It is " },
    { type: "text_delta", text: "42." },
    { type: "turn_complete", turn: 2, usage: usage(10, 2) },
    { type: "stream_complete", usage: expect.anything(), terminal_disposition: "completed" },
  ])
  const [, second] = model.requests
  expect(second?.body).toMatchObject({
    messages: [
      { role: "user" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "I need to add.", signature: "signed-by-vendor" },
          { type: "text", text: "Adding." },
          { type: "tool_use", id: "toolu_vendor", name: "add", input: { a: 2, b: 40 } },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_vendor" }] },
    ],
  })
})

test("invalid input for a tool, and an unknown tool, are reported to the model, which corrects them", async () => {
  const { session } = await serving([
    calls("add", { a: "two", b: 40 }),
    calls("subtract", {}),
    says("Sorry."),
  ])
  const frames = await (await session.chat("2 + 40?")).rest()
  const outcomes = frames.flatMap(({ event }) => (event.type === "tool_call_complete" ? [event] : []))
  expect(outcomes.map(({ error }) => error?.code)).toEqual(["invalid_input", "unknown_tool"])
  expect(assemble(frames)).toMatchObject({ text: "Sorry.", terminal: { type: "stream_complete" } })
})

test("the model receives the same for `message` as for the whole of `messages`", async () => {
  const { session, model } = await serving([calls("add", { a: 1, b: 2 }), says("3."), says("2."), says("1.")])
  await (await session.chat("1 + 2?")).rest()
  await (await session.chat("minus 1?")).rest()
  const messages = [
    { role: "user" as const, content: "1 + 2?" },
    { role: "assistant" as const, content: "3." },
    { role: "user" as const, content: "minus 1?" },
    { role: "assistant" as const, content: "2." },
    { role: "user" as const, content: "minus 1?" },
  ]
  await (await session.chat({ messages })).rest()
  // The marks for the provider's cache move from call to call.
  const [, second, third, fourth] = model.requests.map(({ body }) => {
    const { messages } = body as { messages: unknown[] }
    const text = JSON.stringify(messages, (key, value) => (key === "cache_control" ? undefined : value))
    return JSON.parse(text) as unknown[]
  })
  // Tool calls are only in the server's history, so the gateway recognized that history in the client's messages.
  expect(third?.slice(0, 3)).toEqual(second)
  expect(fourth?.slice(0, 5)).toEqual(third)
  expect(fourth).toHaveLength(7)
})

test("a client's changed history is used", async () => {
  const { session, model } = await serving([says("Blue."), says("Red, then.")])
  await (await session.chat("Which colour?")).rest()
  const messages = [
    { role: "user" as const, content: "Which colour?" },
    { role: "assistant" as const, content: "Red." },
    { role: "user" as const, content: "Sure?" },
  ]
  await (await session.chat({ messages })).rest()
  expect(model.requests[1]?.body).toMatchObject({
    messages: [{ role: "user" }, { role: "assistant", content: [{ text: "Red." }] }, { role: "user" }],
  })
  const { messages: history } = await session.history()
  expect(history.map(({ content }) => content[0])).toMatchObject([
    { text: "Which colour?" },
    { text: "Red." },
    { text: "Sure?" },
    { text: "Red, then." },
  ])
})

test("a message is refused while a run is open, and of five concurrent ones one is accepted", async () => {
  const { opened, open } = gate()
  const { session, model } = await serving([pausing(["a", "b"], 1, opened), says("c")])
  const responses = await Promise.all(
    ["1", "2", "3", "4", "5"].map((message) => session.post("/chat", { message })),
  )
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409])
  const refused = responses.find(({ status }) => status === 409)
  const runId = responses.find(({ status }) => status === 200)?.headers.get("x-run-id")
  expect(await refused?.json()).toMatchObject({ code: "run_active", run_id: runId })
  expect((await session.post("/chat", { message: "6" })).status).toBe(409)
  const watching = await session.subscribe({ afterSeq: 0 })
  open()
  expect(assemble(await watching.rest()).text).toBe("ab")
  await (await session.chat("7")).rest()
  expect(model.requests).toHaveLength(2)
})

test("all viewers receive the same frames with the same ids, whenever they connect", async () => {
  const { opened, open } = gate()
  const { session } = await serving([pausing(words(40), 20, opened)])
  const first = await session.chat("Go")
  const beginning = await first.until(({ event }) => event.type === "text_delta" && event.text === "w20 ")
  const viewers = await Promise.all(Array.from({ length: 20 }, () => session.subscribe({ afterSeq: 0 })))
  const late = await session.subscribe({ afterSeq: ids(beginning)[9] ?? 0 })
  open()
  const whole = [...beginning, ...(await first.rest())]
  expect(types(whole)).toEqual([...Array(40).fill("text_delta"), "turn_complete", "stream_complete"])
  for (const frames of await Promise.all(viewers.map((viewer) => viewer.rest()))) {
    expect(frames).toEqual(whole)
  }
  expect(await late.rest()).toEqual(whole.slice(10))
  expect(await (await session.subscribe({ afterSeq: 0 })).rest()).toEqual(whole)
  const nothingNew = await session.request(`/chat/subscribe?after_seq=${ids(whole).at(-1)}`)
  expect(nothingNew.status).toBe(204)
})

test("the same Idempotency-Key and body return the same run's stream, even after a restart", async () => {
  const model = await startModel([says("only ", "once"), says("again")])
  const folder = await temporaryFolder()
  const gateway = await startGateway({ folder, model })
  const session = await startSession(gateway.url)
  const key = { "idempotency-key": "b7f5" }
  const first = await session.chat({ message: "Pay", context: { channel: "web" } }, key)
  const frames = await first.rest()
  const runId = first.response.headers.get("x-run-id")

  gateway.signal("SIGTERM")
  expect(await gateway.exited).toBe(0)
  const restarted = session.at((await startGateway({ folder, model })).url)
  const respelt = await restarted.chat({ context: { channel: "web" }, message: "Pay" }, key)
  expect(respelt.response.headers.get("x-run-id")).toBe(runId)
  expect(await respelt.rest()).toEqual(frames)
  expect(model.requests).toHaveLength(1)

  const other = await restarted.post("/chat", { message: "Pay twice" }, key)
  expect({ status: other.status, body: await other.json() }).toMatchObject({
    status: 422,
    body: { code: "idempotency_key_reused" },
  })
  expect(assemble(await (await restarted.chat("Pay")).rest()).text).toBe("again")
})

test("a repeated Idempotency-Key joins the run while it is open", async () => {
  const { opened, open } = gate()
  const { session, model } = await serving([pausing(["a", "b"], 1, opened)])
  const key = { "idempotency-key": "k" }
  const streams = await Promise.all([
    session.chat("Go", key),
    session.chat("Go", key),
    session.chat("Go", key),
  ])
  open()
  const [first, ...others] = await Promise.all(streams.map((stream) => stream.rest()))
  expect(assemble(first ?? []).text).toBe("ab")
  for (const frames of others) expect(frames).toEqual(first)
  expect(model.requests).toHaveLength(1)
})

test("/health, /ready and /openapi.json answer without a token", async () => {
  const { url } = (await serving([])).gateway
  const [health, ready, openapi] = await Promise.all(
    ["health", "ready", "openapi.json"].map(async (path) => (await fetch(`${url}/api/${path}`)).json()),
  )
  expect(health).toEqual({ status: "ok" })
  expect(ready).toMatchObject({ status: "ready", checks: { store: { ok: true } } })
  expect(Object.keys((openapi as { paths: object }).paths).sort()).toEqual([
    "/api/agents/{name}/chat/init",
    "/api/chat",
    "/api/chat/cancel",
    "/api/chat/elicitation",
    "/api/chat/files/{path}",
    "/api/chat/grants",
    "/api/chat/history",
    "/api/chat/init",
    "/api/chat/revoke",
    "/api/chat/subscribe",
    "/api/chat/tasks",
    "/api/chat/tasks/{id}",
    "/api/chat/tasks/{id}/cancel",
    "/api/chat/tasks/{id}/messages",
    "/api/chat/tasks/{id}/subscribe",
    "/api/chat/tool-approval",
    "/api/chat/tool-result",
    "/api/chat/waits",
    "/api/health",
    "/api/openapi.json",
    "/api/ready",
    "/api/sessions",
    "/api/sessions/{id}",
  ])
})
