import { describe, expect, it } from "vitest"
import { judge } from "../../../src/wires/ag-ui/fixtures/judge.ts"
import { createRandom, type Random } from "../../crash/support/random.ts"
import { input, read, serve } from "./support/serve.ts"

const answers = () => [{ type: "text", text: "Hello." } as const]

/** Limits of requests would end the test before the requests do. */
const open = () => serve(answers, {}, { rateLimits: false })

function nest(levels: number): object {
  let value: object = {}
  for (let level = 0; level < levels; level++) value = { value }
  return value
}

const declared = (more: object) => ({
  tools: [{ name: "show", description: "Shows.", parameters: {}, ...more }],
})
const many = <Item>(length: number, create: (index: number) => Item) =>
  Array.from({ length }, (_, index) => create(index))

describe("POST /ag-ui", () => {
  it.each([
    ["members of wrong types", 422, { messages: "Hi" }],
    ["no run id", 422, { runId: "" }],
    ["a run id that is too long", 422, { runId: "r".repeat(201) }],
    ["no thread id", 422, { threadId: "" }],
    ["a thread id that is too long", 422, { threadId: "t".repeat(201) }],
    ["a thread id with a line break", 422, { threadId: "a\nb" }],
    ["a session of nobody", 404, { threadId: "sess_123" }],
    ["a message without a role", 422, { messages: [{ content: "Hi" }] }],
    ["a video", 422, { messages: [{ role: "user", content: [{ type: "video" }] }] }],
    ["an image that is none", 422, { messages: [{ role: "user", content: [picture("AAAA")] }] }],
    [
      "an image of this machine",
      422,
      { messages: [{ role: "user", content: [link("http://127.0.0.1/a.png")] }] },
    ],
    ["properties that are a list", 422, { forwardedProps: [1] }],
    ["properties that are too large", 422, { forwardedProps: { text: "x".repeat(70_000) } }],
    ["a channel that is no name", 422, { forwardedProps: { channel: 5 } }],
    ["too many tools", 422, { tools: many(33, (index) => ({ name: `tool_${index}` })) }],
    ["two tools of one name", 409, { tools: many(2, () => ({ name: "show" })) }],
    ["a tool with a space in its name", 422, declared({ name: "show it" })],
    ["a tool with a long description", 422, declared({ description: "x".repeat(5_000) })],
    ["a tool with a deep schema", 422, declared({ parameters: nest(21) })],
    ["a tool with a large schema", 422, declared({ parameters: { description: "x".repeat(20_000) } })],
    ["a tool with a schema that is none", 422, declared({ parameters: { properties: 5 } })],
    ["an answer without a status", 422, { resume: [{ interruptId: "a" }] }],
    ["a body that nests too deep", 422, { state: nest(65) }],
    ["too many values", 422, { state: many(20_001, () => 0) }],
    ["a body that is too large", 413, { state: "x".repeat(4 * 1024 * 1024) }],
  ])("refuses %s, in the form of a failed run", async (_, status, more) => {
    const { post, gateway } = await open()
    const response = await post(input("run-1", "Hi", more))
    expect([response.status, await response.json()]).toEqual([
      status,
      { type: "RUN_ERROR", message: expect.any(String), code: expect.any(String) },
    ])
    expect((await gateway.sessions.runs({})).items).toEqual([])
  })

  it("neither fails nor breaks the protocol, whatever a request contains", async () => {
    const { post } = await open()
    const random = createRandom("hostile requests")
    const statuses = new Set<number>()
    for (let index = 0; index < 300; index++) {
      const body = spoil(rich(index), random)
      const response = await post(body as object)
      statuses.add(response.status)
      const about = [index, JSON.stringify(body)]
      if (response.status === 200) await judge(await read(response))
      else
        expect([...about, await response.json()]).toEqual([
          ...about,
          expect.objectContaining({ type: "RUN_ERROR" }),
        ])
    }
    expect([...statuses].filter((status) => status >= 500)).toEqual([])
    expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 422]))
  })

  it.each(["", "x", "-1", "1e9", "0x10", "5-", "5.", "5+", "5.3q1", "1".repeat(16), "5-12345"])(
    "refuses to continue after %j",
    async (id) => {
      const { post, get } = await open()
      await read(await post(input("run-1", "Hi")))
      const headers = { "last-event-id": id }
      for (const response of [
        await post(input("run-1", "Hi"), headers),
        await get("threadId=thread-1&runId=run-1", headers),
      ])
        expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_cursor" }])
    },
  )

  it("ends the stream of a client that continues at a place that does not exist", async () => {
    const { post } = await open()
    const events = await read(await post(input("run-1", "Hi")))
    const last = events.flatMap(({ id }) => id ?? []).at(-1) ?? ""
    for (const id of ["1", "1-9999", "999999999999999", `${Number.parseInt(last, 10)}-7.5000t7`, "3.7r2"]) {
      const rest = await read(await post(input("run-1", "Hi"), { "last-event-id": id }))
      expect([id, rest.at(-1)?.event.type]).toEqual([id, "RUN_FINISHED"])
    }
  })
})

function picture(value: string) {
  return { type: "image", source: { type: "data", value, mimeType: "image/png" } }
}

function link(value: string) {
  return { type: "image", source: { type: "url", value } }
}

/** A request that has every member. */
function rich(index: number): object {
  return input(`run-${index}`, "Hi", {
    threadId: `thread-${index}`,
    ...declared({ parameters: { type: "object", properties: { sum: { type: "number" } } } }),
    ...{
      context: [{ description: "Page", value: "Cart" }],
      forwardedProps: { channel: "web" },
      parentRunId: "run-0",
    },
    resume: [{ interruptId: "wait_1", status: "resolved", payload: { approved: true } }],
    messages: [
      { id: "s", role: "system", content: "Be brief." },
      {
        id: "a",
        role: "assistant",
        content: "Hi",
        toolCalls: [{ id: "c", type: "function", function: { name: "a", arguments: "{}" } }],
      },
      { id: "t", role: "tool", toolCallId: "c", content: "5", error: "No." },
      { id: "u", role: "user", content: [{ type: "text", text: "Hello" }] },
    ],
  })
}

const junk = [
  null,
  true,
  -1,
  1e300,
  "",
  "\u0000",
  "\ud800",
  "constructor",
  "__proto__",
  [],
  {},
  [null],
  { type: "text" },
  { a: [[[]]] },
]

/** Returns the value with one of its members replaced by something else. */
function spoil(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.15)) return random.pick(junk)
  const keys = Object.keys(value)
  const key = keys.length === 0 ? "__proto__" : random.pick(keys)
  const changed = spoil((value as Record<string, unknown>)[key], random)
  if (Array.isArray(value)) return value.with(Number(key), changed)
  return JSON.parse(JSON.stringify({ ...value, [key]: changed }))
}
