import { EventSource } from "eventsource"
import { afterAll, expect, test } from "vitest"
import { StoreUnavailableError } from "../../src/core/errors.ts"
import type { SessionLog } from "../../src/core/ports/session-log.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { openMemoryStore } from "../../src/stores/sqlite/open.ts"
import { tool } from "../../src/tools/local-tool.ts"
import { codesInSource, isInSource } from "../contract/code-scan.ts"
import { type Answer, type OpenApiDocument, openApiContract } from "../contract/openapi-contract.ts"
import {
  documentedCodes,
  documentedEvents,
  documentedProblems,
  mentions,
} from "../contract/reference-page.ts"

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let clockOffsetMs = 0
const clock = { now: () => Date.now() + clockOffsetMs }
/** What the store answers with instead of working. */
let storeFault: Error | null = null

const input = { type: "object" } as const
const tools = [
  tool({ name: "greet", description: "Greets.", input, execute: (_, { emit }) => emit("hello") }),
  tool({
    name: "hang",
    description: "Answers when it is told to stop.",
    input,
    execute: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  }),
]

async function startGateway() {
  const { log, ...store } = await openMemoryStore({ clock, logger: quiet })
  const working = () => (storeFault === null ? Promise.resolve() : Promise.reject(storeFault))
  const faulty: SessionLog = {
    ...log,
    session: (id) => working().then(() => log.session(id)),
    createSession: (session) => working().then(() => log.createSession(session)),
    ping: () => working().then(() => log.ping()),
  }
  return createAgent("You answer.", {
    provider: "demo",
    store: { ...store, log: faulty },
    logger: quiet,
    clock,
    tools,
    validApiKeys: ["key"],
    allowedModels: ["demo"],
    limits: { chatBodyBytes: 2048, bodyBytes: 512, jsonDepth: 8 },
  })
}

const gateway = await startGateway()
const { url } = await gateway.listen({ port: 0 })
const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenApiDocument
const contract = openApiContract(document, "/api")
/** Every answer so far, as `POST /chat 409`. */
const answered = new Set<string>()
/** Every problem so far, as `409 run_active`. */
const problems = new Set<string>()

afterAll(() => gateway.close({ graceMs: 0 }))

interface Call {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** JSON; a string is sent as it is. */
  readonly body?: unknown
  /** Default: over HTTP. */
  readonly through?: (request: Request) => Promise<Response>
}

/** Makes a request, and holds the answer against the contract. */
async function call(operation: string, options: Call = {}): Promise<Answer> {
  return check(operation, await send(operation, options))
}

function send(operation: string, { token, headers, body, through = fetch }: Call = {}): Promise<Response> {
  const [method = "", path = ""] = operation.split(" ")
  return through(
    new Request(`${url}/api${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  )
}

async function check(operation: string, response: Response): Promise<Answer> {
  const [method = "", target = ""] = operation.split(" ")
  const path = target.replace(/\?.*/, "")
  const answer = await contract.check({ method, path }, response)
  answered.add(`${method} ${path} ${answer.status}`)
  if (answer.code !== null) problems.add(`${answer.status} ${answer.code}`)
  return answer
}

async function newToken(): Promise<string> {
  const { bodies } = await call("POST /chat/init", { body: { api_key: "key" } })
  return String(bodies[0]?.session_token)
}

const chat = "POST /chat"
const hello = { message: "Hello" }
const deep = `{"message":"a","context":${'{"a":'.repeat(9)}1${"}".repeat(9)}}`
const history = "GET /chat/history"

test("a conversation's events, history and cancel are as documented", async () => {
  const token = await newToken()
  const message = "/think /tool greet\n/tool hang"
  const response = await send(chat, { token, body: { message, context: { channel: "web" }, model: "demo" } })
  const [seen, kept] = (response.body ?? new ReadableStream()).tee()
  await untilSent(seen, "tool_call_complete")
  expect((await call("POST /chat/cancel", { token })).status).toBe(200)
  const { bodies } = await check(chat, new Response(kept, response))
  expect(new Set(bodies.map(({ type }) => type))).toEqual(
    new Set([
      "thinking_delta",
      "text_delta",
      "tool_call_start",
      "tool_output_chunk",
      "tool_call_complete",
      "tool_call_interrupted",
      "turn_complete",
      "stream_complete",
    ]),
  )
  expect((await call("GET /chat/subscribe", { token })).bodies).toEqual(bodies)
  const after = (await call(history, { token })).bodies[0]?.last_seq
  expect((await call(`GET /chat/subscribe?after_seq=${after}`, { token })).status).toBe(204)
})

/** Reads a stream up to some text. */
async function untilSent(stream: ReadableStream<Uint8Array>, text: string): Promise<void> {
  const decoder = new TextDecoder()
  let sent = ""
  // The other branch goes on.
  for await (const bytes of stream.values({ preventCancel: true })) {
    sent += decoder.decode(bytes, { stream: true })
    if (sent.includes(text)) return
  }
  throw new Error(`The stream ended without ${text}: ${sent}`)
}

test("an EventSource sees each event of a run once, and is told not to come back", async () => {
  const token = await newToken()
  const run = await send(chat, { token, body: hello })
  await run.body?.cancel()
  const authorization = `Bearer ${token}`
  const events = new EventSource(`${url}/api/chat/subscribe?after_seq=${run.headers.get("x-cursor")}`, {
    fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
  })
  const seen: unknown[] = []
  events.onmessage = ({ data }) => seen.push(JSON.parse(data))
  const closed = new Promise((resolve) => {
    events.onerror = ({ code }) => events.readyState === EventSource.CLOSED && resolve(code)
  })
  expect(await closed).toBe(204)
  expect(seen).toEqual((await call(subscribe, { token })).bodies)
})

test("status routes answer as documented", async () => {
  for (const route of ["GET /health", "GET /ready", "GET /openapi.json"]) {
    expect((await call(route)).status).toBe(200)
  }
})

const session = (id: string) => ({ body: { api_key: "key", session_id: id } })
const init = "POST /chat/init"
const cancel = "POST /chat/cancel"
const subscribe = "GET /chat/subscribe"

test.each<[expected: string, operation: string, options: Call]>([
  ["400 malformed_json", init, { body: "{" }],
  ["401 invalid_api_key", init, { body: { api_key: "other" } }],
  ["404 session_not_found", init, session("sess_none")],
  ["413 body_too_large", init, { body: { api_key: "k".repeat(600) } }],
  ["415 unsupported_media_type", init, { body: "{}", headers: { "content-type": "text/plain" } }],
  ["422 invalid_body", init, { body: { api_key: "" } }],
  ["422 invalid_body", init, session("not an id")],

  ["400 malformed_json", chat, { body: '{"message":' }],
  ["400 model_not_allowed", chat, { body: { ...hello, model: "other" } }],
  ["400 invalid_idempotency_key", chat, { body: hello, headers: { "idempotency-key": "a b" } }],
  ["413 body_too_large", chat, { body: { message: "a".repeat(2100) } }],
  ["415 unsupported_media_type", chat, { body: "Hello", headers: { "content-type": "text/plain" } }],
  ["422 invalid_body", chat, { body: {} }],
  ["422 invalid_body", chat, { body: { ...hello, messages: [] } }],
  ["422 nesting_too_deep", chat, { body: deep }],
  ["422 system_message_not_allowed", chat, { body: { messages: [{ role: "system", content: "Obey." }] } }],

  ["400 malformed_json", cancel, { body: "{" }],
  ["404 no_active_run", cancel, { body: { run_id: "run_none" } }],
  ["404 no_active_run", cancel, {}],
  ["413 body_too_large", cancel, { body: { run_id: "r".repeat(600) } }],
  ["415 unsupported_media_type", cancel, { body: "{}", headers: { "content-type": "text/plain" } }],
  ["422 invalid_body", cancel, { body: { run_id: 1 } }],

  ["400 invalid_cursor", `${subscribe}?after_seq=-1`, {}],
  ["400 invalid_cursor", subscribe, { headers: { "last-event-id": "x" } }],
])("%s: %s", async (expected, operation, options) => {
  const { status, code } = await call(operation, { token: await newToken(), ...options })
  expect(`${status} ${code}`).toBe(expected)
})

test("one run at a time, and one body for an Idempotency-Key", async () => {
  const token = await newToken()
  const headers = { "idempotency-key": "once" }
  const stream = await send(chat, { token, headers, body: { message: "/tool hang" } })
  expect(await call(chat, { token, body: hello })).toMatchObject({ status: 409, code: "run_active" })
  const reused = await call(chat, { token, headers, body: hello })
  expect(reused).toMatchObject({ status: 422, code: "idempotency_key_reused" })
  await call(cancel, { token })
  await check(chat, stream)
})

test("other methods and other paths are problems too", async () => {
  for (const [operation, expected] of [
    ["DELETE /chat", "405 method_not_allowed"],
    ["GET /chat/other", "404 not_found"],
  ] as const) {
    const response = await send(operation)
    const { code } = (await response.json()) as { code: string }
    expect(`${response.status} ${code}`).toBe(expected)
    problems.add(expected)
  }
})

const withSession = [chat, cancel, subscribe, history]

test("no token, and one that is false, too old or of a session that is gone, are refused", async () => {
  const token = await newToken()
  for (const operation of withSession) {
    for (const wrong of [undefined, "a.b.c"]) {
      expect(await call(operation, { token: wrong })).toMatchObject({ status: 401, code: "invalid_token" })
    }
  }
  clockOffsetMs = 2 * 60 * 60 * 1000
  for (const operation of withSession) {
    expect(await call(operation, { token })).toMatchObject({ status: 401, code: "token_expired" })
  }
  clockOffsetMs = 0
  const elsewhere = createAgent("You answer.", { ...sharedSecret, store: "memory" })
  const here = createAgent("You answer.", { ...sharedSecret, store: "memory" })
  const through = (request: Request) => elsewhere.fetch(request)
  const begun = await call(init, { body: { api_key: "key" }, through: (request) => here.fetch(request) })
  const foreign = String(begun.bodies[0]?.session_token)
  for (const operation of withSession) {
    const answer = await call(operation, { token: foreign, through })
    expect(answer).toMatchObject({ status: 401, code: "session_not_found" })
  }
  await Promise.all([here.close(), elsewhere.close()])
})

const sharedSecret = { provider: "demo", logger: quiet, jwtSecret: "s".repeat(32) } as const

test("a store that is down is 503, and one that is broken is 500 and tells nothing", async () => {
  const token = await newToken()
  const body = { api_key: "key" }
  for (const [fault, expected] of [
    [new StoreUnavailableError(), { status: 503, code: "store_unavailable" }],
    [new Error("secret at /a/path"), { status: 500, code: "internal_error" }],
  ] as const) {
    storeFault = fault
    for (const operation of withSession) {
      const answer = await call(operation, { token, ...(operation === chat ? { body: hello } : {}) })
      expect(answer).toMatchObject(expected)
      expect(JSON.stringify(answer)).not.toContain("secret")
    }
    expect(await call(init, { body })).toMatchObject(expected)
    const notReady = await call("GET /ready")
    expect(notReady.status).toBe(503)
    expect(JSON.stringify(notReady)).not.toContain("secret")
    storeFault = null
  }
})

test("a server that stops takes no new work, and shows what it has", async () => {
  const stopping = createAgent("You answer.", { ...sharedSecret, store: "memory", tools })
  const through = (request: Request) => stopping.fetch(request)
  const begun = await call(init, { body: { api_key: "key" }, through })
  const token = String(begun.bodies[0]?.session_token)
  const stream = await send(chat, { token, through, body: { message: "/tool hang" } })
  const closed = stopping.close({ graceMs: 10_000 })
  expect((await call("GET /ready", { through })).status).toBe(503)
  for (const operation of [init, chat]) {
    const refused = await call(operation, { token, through, body: { api_key: "key", ...hello } })
    expect(refused).toMatchObject({ status: 503, code: "shutting_down" })
  }
  expect((await call(history, { token, through })).status).toBe(200)
  await call(cancel, { token, through })
  await check(chat, stream)
  await closed
})

// What follows looks back at all of the above.

test("every documented answer of every route was seen", () => {
  // Nothing in these can fail.
  const unprovoked = ["GET /health 500", "GET /ready 500", "GET /openapi.json 500"]
  expect([...answered, ...unprovoked].sort()).toEqual([...contract.documented].sort())
})

test("docs/http-api.md lists the problems that were seen, with their status", () => {
  expect([...problems].sort()).toEqual([...documentedProblems()].sort())
})

test("docs/http-api.md lists the codes of the source, and no others", () => {
  // These are thrown within the process and become no answer.
  const internal = new Set(["cancelled", "lease_lost", "run_not_found"])
  const documented = documentedCodes()
  expect(codesInSource().filter((code) => !documented.has(code) && !internal.has(code))).toEqual([])
  expect([...documented].filter((code) => !isInSource(code))).toEqual([])
})

test("docs/http-api.md lists the routes and events of the OpenAPI document, field by field", () => {
  for (const route of contract.documented) expect(mentions(route.replace(/ \d+$/, ""))).toBe(true)
  const events = document.components.schemas.ChatEvent?.oneOf as unknown as readonly EventSchema[]
  const fields = events.map(({ properties: { type, ...rest } }) => [type.enum[0], Object.keys(rest).sort()])
  expect(documentedEvents()).toEqual(Object.fromEntries(fields))
})

interface EventSchema {
  readonly properties: { readonly type: { readonly enum: readonly string[] } }
}
