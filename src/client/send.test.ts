import { describe, expect, test, vi } from "vitest"
import type { ChatEvent } from "../core/wire/chat-event.ts"
import { type Chat, connect } from "./chat.ts"
import type { ConnectOptions } from "./connect.ts"
import {
  collect,
  completed,
  createLongRun,
  createProblem,
  type FakeGateway,
  type FakeGatewayOptions,
  fakeGateway,
} from "./fixtures/fake-gateway.ts"
import { createSubAgentEnd } from "./fixtures/view-events.ts"

const log = createLongRun()
const short = [
  { id: 5, events: [{ type: "text_delta", text: "Hello" }] },
  { id: 6, events: [completed] },
] as const

function setUp(
  gatewayOptions: FakeGatewayOptions,
  options: Partial<ConnectOptions> = {},
): FakeGateway & { readonly chat: Chat } {
  const gateway = fakeGateway(gatewayOptions)
  const settings = { url: "https://gateway.test/api", token: () => "token", retryDelayMs: 1, ...options }
  return { ...gateway, chat: connect({ ...settings, fetch: gateway.fetch }) }
}

/** Runs a 200-event run over connections that are cut after these numbers of bytes. */
async function cutRun(cuts: Iterable<number>, options: FakeGatewayOptions = {}) {
  const { chat, requests } = setUp({ log, cuts, ...options })
  return { events: await collect(chat.send("Go")), requests }
}

test("events of sub-agents arrive at once, end nothing, and are not part of the result", async () => {
  const below = { sub_agent_id: "sess_a" }
  const { chat } = setUp({
    log: [
      {
        id: 4,
        events: [
          { type: "text_delta", text: "x", ...below },
          createSubAgentEnd("sess_a"),
          ...short[0].events,
        ],
      },
      short[1],
    ],
  })
  const seen: (string | undefined)[] = []
  const result = await chat.send("Go").result(({ type, sub_agent_id }) => seen.push(sub_agent_id ?? type))
  expect(seen).toEqual(["sess_a", "sess_a", "text_delta", "stream_complete"])
  expect(result).toMatchObject({ text: "Hello", outcome: "completed" })
})

describe("a run of 200 events", async () => {
  const uncut = (await cutRun([])).events
  const bytes = (index: number) =>
    new TextEncoder().encode(
      log
        .slice(0, index)
        .flatMap(({ id, events }) =>
          events.map((event, at) => {
            return `${at === events.length - 1 ? `id: ${id}\n` : ""}data: ${JSON.stringify(event)}\n\n`
          }),
        )
        .join(""),
    ).length

  test("arrives complete", () => {
    expect(uncut).toHaveLength(200)
    expect(uncut.at(-1)).toMatchObject({ type: "stream_complete" })
  })

  test.each([true, false])(
    "is the same when it is cut once after each frame (clean end: %s)",
    async (endsCleanly) => {
      for (let index = 0; index < log.length; index++) {
        const { events, requests } = await cutRun([bytes(index)], { endsCleanly })
        expect(events).toEqual(uncut)
        expect(requests).toHaveLength(2)
      }
    },
  )

  test("is the same when every connection delivers one frame", async () => {
    const cuts = log.map((_, index) => bytes(index + 1) - bytes(index))
    const { events, requests } = await cutRun(cuts)
    expect(events).toEqual(uncut)
    expect(requests).toHaveLength(log.length)
  })

  test("is the same when it is cut at any byte, in frames, entries and characters", async () => {
    const seed = 20_261_122
    const random = mulberry(seed)
    for (let round = 0; round < 40; round++) {
      const cuts = Array.from({ length: 40 }, () => Math.floor(random() * 1200))
      const { events } = await cutRun(cuts, { chunkBytes: 1 + Math.floor(random() * 100) })
      expect(events, `seed ${seed}, round ${round}`).toEqual(uncut)
    }
  })
})

test("the message is sent again with the same key until there is a response", async () => {
  const { chat, requests } = setUp({
    log: short,
    intercept(_, index) {
      if (index < 3) throw new TypeError("fetch failed")
      return undefined
    },
  })
  const run = chat.send("Hello", { context: { channel: "web" }, model: "small" })
  expect(await collect(run)).toHaveLength(2)
  expect(requests).toHaveLength(4)
  expect(new Set(requests.map(({ headers }) => headers.get("idempotency-key")))).toEqual(new Set([run.key]))
  expect(requests[3]?.body).toEqual({ message: "Hello", context: { channel: "web" }, model: "small" })
  expect(run.id).toBe("run_1")
})

test("a gateway that never answers is reported after a few attempts", async () => {
  const cause = new TypeError("fetch failed")
  const { chat, requests } = setUp({ intercept: () => Promise.reject(cause) })
  await expect(collect(chat.send("Hello"))).rejects.toMatchObject({ code: "unreachable", cause })
  expect(requests).toHaveLength(5)
})

test("a gateway that has responded before is awaited longer", async () => {
  const intercept: FakeGatewayOptions["intercept"] = (_, index) => {
    if (index > 0) throw new TypeError("fetch failed")
    return undefined
  }
  const { chat, requests } = setUp({ log: short, cuts: [40], intercept }, { maxRetries: 8 })
  await expect(collect(chat.send("Hello"))).rejects.toMatchObject({ code: "unreachable" })
  expect(requests).toHaveLength(9)
})

test.each([
  [409, "run_active"],
  [429, "queue_full"],
  [422, "invalid_body"],
  [500, "internal_error"],
])("status %i with code %s is thrown at once", async (status, code) => {
  const { chat, requests } = setUp({ intercept: () => createProblem(status, code) })
  const error = await collect(chat.send("Hello")).catch((error: unknown) => error)
  expect(error).toMatchObject({ name: "ChatError", code, status, problem: { code }, retryable: false })
  expect(requests).toHaveLength(1)
})

test.each([
  [429, "rate_limited"],
  [503, "store_unavailable"],
])("status %i with code %s is retried after retry-after", async (status, code) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  try {
    const { chat, requests } = setUp({
      log: short,
      intercept: (_, index) =>
        index === 0 ? createProblem(status, code, { "retry-after": "20" }) : undefined,
    })
    const events = collect(chat.send("Hello"))
    await vi.advanceTimersByTimeAsync(19_900)
    expect(requests).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(5_200)
    expect(await events).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})

test("a gateway that asks for more than a minute is not awaited", async () => {
  const { chat } = setUp({ intercept: () => createProblem(503, "shutting_down", { "retry-after": "3600" }) })
  const refused = collect(chat.send("Hello"))
  await expect(refused).rejects.toMatchObject({ code: "shutting_down", retryAfterMs: 3_600_000 })
})

test("a retry-after that is a date counts from now, and a past date means at once", async () => {
  const headers = { "retry-after": new Date(Date.now() - 7_200_000).toUTCString() }
  const { chat } = setUp({
    log: short,
    intercept: (_, index) => (index === 0 ? createProblem(503, "shutting_down", headers) : undefined),
  })
  expect(await collect(chat.send("Hello"))).toHaveLength(2)
})

describe("a web page instead of a response", () => {
  const page = (status: number) =>
    new Response("<html>Bad gateway</html>", { status, headers: { "content-type": "text/html" } })

  test("is an error if no gateway has ever responded there", async () => {
    const { chat, requests } = setUp({ intercept: () => page(200) })
    await expect(collect(chat.send("Hello"))).rejects.toMatchObject({
      code: "unexpected_response",
      status: 200,
    })
    expect(requests).toHaveLength(1)
  })

  test.each([200, 404, 502])(
    "with status %i is retried if a gateway has responded before",
    async (status) => {
      const intercept = (_: unknown, index: number) => (index === 1 || index === 2 ? page(status) : undefined)
      const { chat, requests } = setUp({ log: short, cuts: [40], intercept })
      expect(await collect(chat.send("Hello"))).toHaveLength(2)
      expect(requests).toHaveLength(4)
    },
  )

  test("in a stream is not parsed as events", async () => {
    const text = "id: 5\ndata: <html>\n\n"
    const broken = () => new Response(text, { headers: { "content-type": "text/event-stream" } })
    const { chat } = setUp({ log: short, intercept: (_, index) => (index === 0 ? broken() : undefined) })
    expect(await collect(chat.send("Hello"))).toHaveLength(2)
  })
})

test("a run that the gateway no longer knows is an error", async () => {
  const intercept = (_: unknown, index: number) =>
    index === 1 ? new Response(null, { status: 204 }) : undefined
  const { chat } = setUp({ log, cuts: [400], intercept })
  await expect(collect(chat.send("Hello"))).rejects.toMatchObject({ code: "run_lost" })
})

test("a silent connection is replaced", async () => {
  const silent = () =>
    new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } })
  const intercept = (_: unknown, index: number) => (index === 0 ? silent() : undefined)
  const { chat, requests } = setUp({ log: short, intercept }, { stallTimeoutMs: 20 })
  expect(await collect(chat.send("Hello"))).toHaveLength(2)
  expect(requests).toHaveLength(2)
})

describe("reading that ends early", () => {
  const waiting = () => {
    const opened = Promise.withResolvers<AbortSignal>()
    const gateway = fakeGateway()
    const hangingFetch: typeof fetch = (input, init) => {
      if (init?.signal) opened.resolve(init.signal)
      void gateway.fetch(input)
      return new Promise(() => {})
    }
    const chat = connect({ url: "https://gateway.test/api", token: () => "t", fetch: hangingFetch })
    return { chat, opened: opened.promise }
  }

  test("by the signal rejects with its reason, and closes the connection", async () => {
    const { chat, opened } = waiting()
    const controller = new AbortController()
    const events = collect(chat.send("Hello", { signal: controller.signal }))
    const signal = await opened
    const reason = new Error("The user left.")
    controller.abort(reason)
    await expect(events).rejects.toBe(reason)
    expect(signal.aborted).toBe(true)
  })

  test("by return() ends a next() that waits", async () => {
    const { chat, opened } = waiting()
    const events = chat.send("Hello")[Symbol.asyncIterator]()
    const next = events.next()
    const signal = await opened
    await events.return?.()
    expect(await next).toMatchObject({ done: true })
    expect(signal.aborted).toBe(true)
  })

  test("by break closes the connection", async () => {
    const { chat, requests } = setUp({ log })
    for await (const event of chat.send("Hello")) if (event.cursor !== undefined) break
    expect(requests).toHaveLength(1)
    expect(chat.cursor).toBe(log[0]?.id)
  })

  test("while it waits for the next attempt", async () => {
    const { chat } = setUp({ intercept: () => createProblem(503, "shutting_down", { "retry-after": "50" }) })
    const signal = AbortSignal.timeout(20)
    await expect(collect(chat.send("Hello", { signal }))).rejects.toMatchObject({ name: "TimeoutError" })
  })
})

test("a run can be read only once", async () => {
  const { chat } = setUp({ log: short })
  const run = chat.send("Hello")
  await collect(run)
  await expect(collect(run)).rejects.toMatchObject({ code: "already_read" })
})

test("a message that is sent again skips the events that were read", async () => {
  const { chat } = setUp({ log })
  const all = await collect(chat.send("Go"))
  const after = log[100]?.id ?? 0
  const rest = await collect(chat.send("Go", { idempotencyKey: "k", after }))
  expect(rest).toEqual(all.slice(101))
})

test("tool input is requested with the message and with each subscription", async () => {
  const { chat, requests } = setUp({ log, cuts: [200] }, { toolInputDeltas: true })
  await collect(chat.send("Go"))
  expect(requests[0]?.body).toMatchObject({ tool_input_deltas: true })
  expect(requests[1]?.query.get("tool_input_deltas")).toBe("true")
  const plain = setUp({ log, cuts: [200] })
  await collect(plain.chat.send("Go"))
  expect(plain.requests[0]?.body).not.toHaveProperty("tool_input_deltas")
  expect(plain.requests[1]?.query.has("tool_input_deltas")).toBe(false)
})

test("tools that the client declares are sent with its messages, and the client executes their calls", async () => {
  const start: ChatEvent = {
    ...{ type: "tool_call_start", tool_call_id: "call_1", tool_name: "mark", call_index: 0 },
    ...{ tool_input: { cell: "A1" }, execution_location: "client", nonce: "n" },
  }
  const { chat, requests, requestsTo } = setUp({
    log: [
      { id: 5, events: [start] },
      { id: 6, events: [completed] },
    ],
  })
  const inputSchema = { type: "object", properties: { cell: { type: "string" } } } as const
  chat.tools({
    mark: { description: "Marks a cell.", inputSchema, execute: ({ cell }) => `marked ${cell}` },
    locate: () => "Rome",
  })
  for await (const event of chat.send("Go")) {
    if (event.type === "tool_call_start")
      await vi.waitFor(() => expect(requestsTo("/api/chat/tool-result")).toHaveLength(1))
  }
  expect(requests[0]?.body).toMatchObject({
    tools: [{ name: "mark", description: "Marks a cell.", input_schema: inputSchema }],
  })
  expect(requestsTo("/api/chat/tool-result")[0]?.body).toMatchObject({ result: "marked A1" })
  const plain = setUp({ log })
  await collect(plain.chat.send("Go"))
  expect(plain.requests[0]?.body).not.toHaveProperty("tools")
})

test.each([
  { result: { rows: 3 }, is_error: true, warning: "Two rows are missing." },
  { error: { code: "no_permission", sub_code: "camera", message: "The user refused." } },
  {},
])("submit() sends each field of a result: %j", async (outcome) => {
  const { chat, requestsTo } = setUp({})
  await chat.submit({ tool_call_id: "call_1", nonce: "n" }, outcome)
  const bodies = requestsTo("/api/chat/tool-result").map(({ body }) => body)
  expect(bodies).toEqual([{ tool_call_id: "call_1", nonce: "n", ...outcome }])
})

test("result() assembles the text of the last turn", async () => {
  const { chat } = setUp({ log })
  const seen: string[] = []
  const result = await chat.send("Go").result((event) => seen.push(event.type))
  const tail = Array.from({ length: 16 }, (_, index) => ` tail ${index}`).join("")
  expect(result).toMatchObject({ runId: "run_1", outcome: "completed", text: `All of the text.${tail}` })
  expect(seen).toHaveLength(200)
})

/** Returns a small generator of pseudo-random numbers from 0 (included) to 1 (excluded). */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
