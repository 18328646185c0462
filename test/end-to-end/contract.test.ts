import { EventSource } from "eventsource"
import { afterAll, expect, test, vi } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { contractClient } from "../contract/client.ts"
import { quiet, startGatewayUnderTest, storeFaults, tools } from "../contract/gateway-under-test.ts"
import {
  cancel,
  chat,
  elicitation,
  file,
  hello,
  history,
  init,
  initAgent,
  limited,
  listGrants,
  listSessions,
  mcpCallback,
  ofAgent,
  revoke,
  revokeGrant,
  showSession,
  subscribe,
  toolApproval,
  toolResult,
  waits,
  withSession,
} from "../contract/operations.ts"
import { documentedEvents, documentedProblems, mentions } from "../contract/reference-page.ts"
import { refusedRequests } from "../contract/refused-requests.ts"

const { gateway, close, url, failStore, fill, holdHistories, setClockAhead } = await startGatewayUnderTest()
const { call, send, check, contract, document, answered, problems } = await contractClient(url)

afterAll(close)

async function newToken(user = "user"): Promise<string> {
  const { bodies } = await call(init, { body: { api_key: "key", user_id: user } })
  return String(bodies[0]?.session_token)
}

test("a conversation's events, history and cancel are as documented", async () => {
  const token = await newToken()
  const message = "/think /tool greet\n/tool hang"
  const response = await send(chat, { token, body: { message, context: { channel: "web" }, model: "demo" } })
  const [seen, kept] = (response.body ?? new ReadableStream()).tee()
  await untilSent(seen, "tool_call_complete")
  expect((await call(cancel, { token })).status).toBe(200)
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
  expect((await call(subscribe, { token })).bodies).toEqual(bodies)
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

test("a client that is redrawn has the rest of a sentence from its first word", async () => {
  const token = await newToken()
  const run = await send(chat, { token, body: hello })
  const [seen, kept] = (run.body ?? new ReadableStream()).tee()
  await untilSent(seen, "text_delta")
  const { messages, last_seq } = (await call(history, { token })).bodies[0] ?? {}
  const following = await call(`${subscribe}?after_seq=${last_seq}`, { token })
  const { bodies } = await check(chat, new Response(kept, run))
  // In the history, if it was over by then; else in the stream, and all of it.
  const [, answer] = messages as readonly { readonly content: unknown }[]
  const drawn = answer?.content ?? [{ type: "text", text: said(following.bodies) }]
  expect(drawn).toEqual([{ type: "text", text: said(bodies) }])
})

function said(events: readonly Record<string, unknown>[]): string {
  return events.map(({ type, text }) => (type === "text_delta" ? text : "")).join("")
}

test("the sessions of a user are as documented, and are not listed while users are unknown", async () => {
  const begun = await call(initAgent, { ...ofAgent, body: { api_key: "key", user_id: "lister" } })
  const { session_token: token, session_id: id } = begun.bodies[0] as Record<string, string>
  expect(begun.bodies[0]).toMatchObject({ agent: "agent" })
  expect((await call(listSessions, { token })).bodies[0]).toMatchObject({ sessions: [{ session_id: id }] })
  const shown = await call(showSession, { token, params: { id: id ?? "" } })
  expect(shown.bodies[0]).toMatchObject({ session_id: id, runs: [] })
  const open = createAgent("You answer.", sharedSecret)
  const through = (request: Request) => open.fetch(request)
  const anyone = await call(init, { body: { api_key: "any" }, through })
  const stranger = String(anyone.bodies[0]?.session_token)
  for (const operation of [listSessions, showSession]) {
    const answer = await call(operation, { token: stranger, through })
    expect(answer).toMatchObject({ status: 403, code: "users_unknown" })
  }
  await open.close()
})

test("status routes answer as documented", async () => {
  for (const route of ["GET /health", "GET /ready", "GET /openapi.json"]) {
    expect((await call(route)).status).toBe(200)
  }
})

test.each(refusedRequests)("%s: %s", async (expected, operation, options) => {
  const { status, code } = await call(operation, { token: await newToken(), ...options })
  expect(`${status} ${code}`).toBe(expected)
})

test("a body that does not arrive in full is refused", async () => {
  const failing = () =>
    new ReadableStream({ pull: (controller) => controller.error(new Error("the client went away")) })
  const through = async ({ url: address, headers }: Request) =>
    gateway.fetch(new Request(address, { method: "POST", headers, body: failing(), duplex: "half" }))
  expect(await call(chat, { token: await newToken(), body: hello, through })).toMatchObject({
    status: 400,
    code: "incomplete_body",
  })
})

test("pages of other sites, hosts of others and too large headers are refused on every route", async () => {
  const own = createAgent("You answer.", sharedSecret)
  const { url: ownUrl } = await own.listen({ port: 0 })
  const operations = new Set(contract.documented.map((answer) => answer.replace(/ \d+$/, "")))
  for (const operation of operations) {
    const fromPage = { origin: "https://evil.example" }
    const toOwn = (request: Request) => fetch(new Request(request.url.replace(url, ownUrl), request))
    expect(await call(operation, { headers: fromPage, through: toOwn })).toMatchObject({
      status: 403,
      code: "origin_not_allowed",
    })
    const toOther = (request: Request) =>
      gateway.fetch(new Request(request.url.replace(url, "http://evil.example"), request))
    expect(await call(operation, { through: toOther })).toMatchObject({
      status: 421,
      code: "host_not_allowed",
    })
    expect((await call(operation, { headers: { "x-large": "x".repeat(20_000) } })).status).toBe(431)
  }
  await own.close()
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

test("messages while a run is open are queued, followed and taken back, up to a bound", async () => {
  const token = await newToken("queue")
  const open = await send(chat, { token, body: { message: "/tool hang" } })
  const queued = { message: "Hello!", when_busy: "queue" }
  const first = await send(chat, { token, body: queued })
  const runId = first.headers.get("x-run-id") ?? ""
  for (let count = 1; count < 100; count++) {
    await (await send(chat, { token, body: queued })).body?.cancel()
  }
  expect(await call(chat, { token, body: queued })).toMatchObject({ status: 429, code: "queue_full" })
  const [redrawn] = (await call(history, { token })).bodies
  expect(redrawn?.queued_runs).toHaveLength(100)
  expect((await call(cancel, { token, body: { run_id: runId } })).status).toBe(200)
  const shown = [
    { type: "run_queued", run_id: runId, position: 1 },
    { type: "stream_complete", terminal_disposition: "interrupted", reason: "cancelled" },
  ]
  const { bodies } = await check(chat, first)
  expect(bodies).toMatchObject(shown)
  const again = await call(`${subscribe}?run_id=${runId}`, { token })
  expect(again.bodies).toEqual(bodies.slice(1))
  const cursor = redrawn?.last_seq
  const after = await call(`${subscribe}?run_id=${runId}&after_seq=${Number(cursor) + 1_000_000_000_000}`, {
    token,
  })
  expect(after.status).toBe(204)
  const unknown = await call(`${subscribe}?run_id=run_unknown`, { token })
  expect(unknown).toMatchObject({ status: 404, code: "run_not_found" })
  await call(revoke, { token })
  await check(chat, open)
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

test("no token, and one that is false, too old or of a session that is gone, are refused", async () => {
  const token = await newToken()
  for (const operation of withSession) {
    for (const wrong of [undefined, "a.b.c"]) {
      expect(await call(operation, { token: wrong })).toMatchObject({ status: 401, code: "invalid_token" })
    }
  }
  setClockAhead(2 * 60 * 60 * 1000)
  for (const operation of withSession) {
    expect(await call(operation, { token })).toMatchObject({ status: 401, code: "token_expired" })
  }
  setClockAhead(0)
  const elsewhere = createAgent("You answer.", sharedSecret)
  const here = createAgent("You answer.", sharedSecret)
  const through = (request: Request) => elsewhere.fetch(request)
  const begun = await call(init, { body: { api_key: "key" }, through: (request) => here.fetch(request) })
  const foreign = String(begun.bodies[0]?.session_token)
  for (const operation of withSession) {
    const answer = await call(operation, { token: foreign, through })
    expect(answer).toMatchObject({ status: 401, code: "session_not_found" })
  }
  await Promise.all([here.close(), elsewhere.close()])
})

const sharedSecret = {
  provider: "demo",
  store: "memory",
  logger: quiet,
  jwtSecret: "s".repeat(32),
  rateLimits: false,
} as const

test("a session and a user that store as much as they may are 413", async () => {
  const [full, hoarder] = [await newToken("chatterer"), await newToken("hoarder")]
  fill({ session: true, principal: false })
  expect(await call(chat, { token: full, body: hello })).toMatchObject({
    status: 413,
    code: "session_too_large",
  })
  fill({ session: false, principal: true })
  expect(await call(chat, { token: hoarder, body: hello })).toMatchObject({
    status: 413,
    code: "principal_storage_exceeded",
  })
  fill({ session: false, principal: false })
})

test("too many readers of one session or user are 429", async () => {
  const token = await newToken("reader")
  const run = await send(chat, { token, body: { message: "/tool hang" } })
  const viewers = [run]
  while (viewers.length < 4) viewers.push(await send(subscribe, { token }))
  expect(await call(subscribe, { token })).toMatchObject({ status: 429, code: "too_many_viewers" })
  const release = holdHistories()
  const reads = Array.from({ length: 257 }, () => call(history, { token }))
  const codes = Promise.all(reads).then((answers) => answers.map(({ status, code }) => code ?? status))
  await Promise.race(reads)
  release()
  expect(new Set(await codes)).toEqual(new Set([200, "too_many_history_reads"]))
  await Promise.all(viewers.map((viewer) => viewer.body?.cancel()))
  expect((await call(cancel, { token })).status).toBe(200)
})

test("a store that is down is 503, and one that is broken is 500 and tells nothing", async () => {
  const token = await newToken()
  const body = { api_key: "key" }
  for (const [fault, expected] of storeFaults) {
    failStore(fault)
    for (const operation of withSession) {
      const answer = await call(operation, { token })
      expect(answer).toMatchObject(expected)
      expect(JSON.stringify(answer)).not.toContain("secret")
    }
    expect(await call(init, { body })).toMatchObject(expected)
    expect(await call(initAgent, { ...ofAgent, body })).toMatchObject(expected)
    expect(await call(`${mcpCallback}?state=any`)).toMatchObject(expected)
    const notReady = await call("GET /ready")
    expect(notReady.status).toBe(503)
    expect(JSON.stringify(notReady)).not.toContain("secret")
    failStore(null)
  }
})

test("a server that stops takes no new work, and shows what it has", async () => {
  const stopping = createAgent("You answer.", { ...sharedSecret, tools })
  const through = (request: Request) => stopping.fetch(request)
  const begun = await call(init, { body: { api_key: "key" }, through })
  const token = String(begun.bodies[0]?.session_token)
  const stream = await send(chat, { token, through, body: { message: "/tool hang" } })
  const closed = stopping.close({ graceMs: 60_000 })
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

test("what a person allows and what the client executes is as documented", async () => {
  const token = await newToken()
  const message = '/tool erase {"folder":"tmp"}\n/tool erase {"folder":"home"}\n/tool locate'
  const response = await send(chat, { token, body: { message } })
  const [first, second, place] = await pending(token, 3)
  const redrawn = (await call(history, { token })).bodies[0]
  const open = (await call(waits, { token })).bodies[0]
  expect(open).toMatchObject({ waits: [{ kind: "approval" }, { kind: "approval" }, { kind: "client_tool" }] })
  const following = send(`${subscribe}?after_seq=${redrawn?.last_seq}`, { token })

  const wrong = { ...first, nonce: "nonce_other" }
  const approving = { ...first, approved: true, allow_tool_type: true }
  const locating = { ...place, result: { room: 7 } }
  for (const [operation, body, expected] of [
    [toolApproval, { ...wrong, approved: true }, "403 wrong_nonce"],
    [toolResult, { ...locating, nonce: "nonce_other" }, "403 wrong_nonce"],
    [toolApproval, { ...approving, tool_input: { folder: 1 } }, "422 input_misfit"],
    [toolApproval, approving, "200 null"],
    [toolApproval, approving, "409 already_answered"],
    [toolApproval, { ...second, approved: false, reason: "Not that." }, "200 null"],
    [toolResult, locating, "200 null"],
    [toolResult, locating, "409 already_answered"],
  ] as const) {
    const { status, code } = await call(operation, { token, body })
    expect(`${status} ${code}`).toBe(expected)
  }

  const { bodies } = await check(chat, response)
  expect(bodies.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["interceptor_decision", "tool_approval_request", "approval_resolved"]),
  )
  expect(bodies).toContainEqual(expect.objectContaining({ type: "tool_call_start", nonce: place?.nonce }))
  const { bodies: followed } = await check(subscribe, await following)
  expect(followed).toEqual(bodies.slice(-followed.length))
  // Whoever redraws in the middle of a step is shown all that its messages do not have yet.
  expect(followed.filter(({ type }) => type === "tool_call_complete")).toHaveLength(3)

  const granted = (await call(listGrants, { token })).bodies[0]
  expect(granted).toMatchObject({ grants: [{ tool_name: "erase", qualifier: "files" }] })
  expect((await call(revokeGrant, { token })).status).toBe(200)
  expect((await call(listGrants, { token })).bodies).toEqual([{ grants: [] }])
})

test("a file that code wrote is as documented", async () => {
  const token = await newToken()
  const code = `open("{path}", "w").write('"text"')`
  const message = `/tool code_execute ${JSON.stringify({ code })}`
  const response = await send(chat, { token, body: { message } })
  const [approval] = await pending(token, 1)
  expect((await call(toolApproval, { token, body: { ...approval, approved: true } })).status).toBe(200)
  await check(chat, response)
  expect(await call(file, { token })).toMatchObject({ status: 200, bodies: ["text"] })
  expect(await call(file, { token: await newToken() })).toMatchObject({ status: 404, code: "file_not_found" })
})

test("what tools ask the user is as documented", async () => {
  const token = await newToken()
  const response = await send(chat, { token, body: { message: "/tool book\n/tool pay" } })
  const [form, page] = await pending(token, 2)
  const asked = (await call(waits, { token })).bodies[0]
  expect(asked).toMatchObject({ waits: [{ kind: "elicitation" }, { kind: "elicitation" }] })
  const filling = { ...form, action: "accept", content: { name: "Ada" } }
  for (const [body, expected] of [
    [{ ...filling, nonce: "nonce_other" }, "403 wrong_nonce"],
    [{ ...filling, content: { name: 7 } }, "422 input_misfit"],
    [filling, "200 null"],
    [filling, "409 already_answered"],
    [{ ...page, action: "decline" }, "200 null"],
  ] as const) {
    const { status, code } = await call(elicitation, { token, body })
    expect(`${status} ${code}`).toBe(expected)
  }
  const { bodies } = await check(chat, response)
  expect(bodies).toContainEqual(expect.objectContaining({ type: "elicitation_request", mode: "url" }))
  expect(bodies).toContainEqual(expect.objectContaining({ type: "elicitation_resolved", action: "decline" }))
})

test("the end of a run withdraws what it asked", async () => {
  const token = await newToken()
  const response = await send(chat, {
    token,
    body: { message: '/tool erase {"folder":"a"}\n/tool locate\n/tool book' },
  })
  const [approval, place, form] = await pending(token, 3)
  await call(cancel, { token })
  await check(chat, response)
  const late = { status: 410, code: "wait_expired" }
  expect(await call(toolApproval, { token, body: { ...approval, approved: true } })).toMatchObject(late)
  expect(await call(toolResult, { token, body: { ...place, result: 1 } })).toMatchObject(late)
  expect(await call(elicitation, { token, body: { ...form, action: "decline" } })).toMatchObject(late)
})

interface PendingCall {
  readonly tool_call_id: string
  readonly nonce: string
}

/** Waits until the session asks for so many answers; approvals come first, questions last. */
function pending(token: string, count: number): Promise<readonly PendingCall[]> {
  return vi.waitFor(async () => {
    const { pending_approvals, pending_tool_calls, pending_elicitations } =
      (await call(history, { token })).bodies[0] ?? {}
    const calls = [pending_approvals, pending_tool_calls, pending_elicitations].flat() as PendingCall[]
    expect(calls).toHaveLength(count)
    return calls.map(({ tool_call_id, nonce }) => ({ tool_call_id, nonce }))
  }, 10_000)
}

test("a session that its holder revoked is closed", async () => {
  const token = await newToken()
  expect((await call(revoke, { token })).status).toBe(200)
  for (const operation of withSession) {
    expect(await call(operation, { token })).toMatchObject({ status: 401, code: "session_revoked" })
  }
})

test("who has too many requests or failures is told when to come again", async () => {
  const rateLimits = { initPerMinute: 1, requestsPerMinute: 1, failuresPerMinute: 1 }
  const counting = createAgent("You answer.", { ...sharedSecret, rateLimits })
  const { url: address } = await counting.listen({ port: 0 })
  const through = (request: Request) => fetch(new Request(request.url.replace(url, address), request))
  const refused = { status: 429, code: "rate_limited" }
  const key = { body: { api_key: "key" }, through }

  const begun = await send(init, key)
  expect(begun.headers.get("ratelimit-policy")).toBe('"init";q=1;w=60')
  expect(begun.headers.get("ratelimit")).toMatch(/^"init";r=0;t=\d+$/)
  const token = String((await check(init, begun)).bodies[0]?.session_token)
  const again = await send(init, key)
  expect(again.headers.get("retry-after")).toMatch(/^\d+$/)
  expect(await check(init, again)).toMatchObject(refused)
  expect(await call(initAgent, { ...ofAgent, ...key })).toMatchObject(refused)

  expect((await call(cancel, { token, through })).status).toBe(404)
  for (const operation of limited) expect(await call(operation, { token, through })).toMatchObject(refused)
  expect((await call(history, { token, through })).status).toBe(200)
  expect((await call(history, { token: "a.b.c", through })).status).toBe(401)
  for (const operation of withSession) {
    expect(await call(operation, { token: "a.b.c", through })).toMatchObject(refused)
  }
  await counting.close()
})

test("an application that authenticates lets in, refuses, or cannot tell", async () => {
  const people = new Map([["ada", { userId: "ada" }]])
  const authenticate = async ({ headers }: Request) => {
    const name = headers.get("x-person") ?? ""
    if (name === "broken") throw new Error("secret")
    return people.get(name) ?? null
  }
  const knowing = createAgent("You answer.", { ...sharedSecret, authenticate })
  const as = (name: string) =>
    call(init, { headers: { "x-person": name }, through: (request) => knowing.fetch(request) })
  expect((await as("ada")).bodies[0]).toMatchObject({ user_id: "ada" })
  expect(await as("eve")).toMatchObject({ status: 401, code: "invalid_credentials" })
  expect(await as("broken")).toMatchObject({ status: 503, code: "authentication_unavailable" })
  await knowing.close()
})

// What follows looks back at all of the above.

test("every documented answer of every route was seen", () => {
  // Nothing in these can fail.
  const unprovoked = ["GET /health 500", "GET /ready 500", "GET /openapi.json 500"]
  // Needs an authorization server: test/mcp/oauth.test.ts has one.
  unprovoked.push("GET /mcp/oauth/callback 200")
  expect([...answered, ...unprovoked].sort()).toEqual([...contract.documented].sort())
})

test("docs/http-api.md lists the problems that were seen, with their status", () => {
  expect([...problems].sort()).toEqual([...documentedProblems()].sort())
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
