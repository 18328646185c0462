import { describe, expect, it } from "vitest"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { reply } from "../support/scripted-turns.ts"
import { key, startGateway } from "./support/gateway.ts"

const { stringify } = JSON
const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
const deepSchema = (levels: number) => `${'{"properties":{"a":'.repeat(levels)}{}${"}}".repeat(levels)}`
const many = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item)
const chat = (rest: object) =>
  stringify({ model: "agent", messages: [{ role: "user", content: "a" }], ...rest })
const response = (rest: object) => stringify({ model: "agent", input: "a", ...rest })
const functionTool = (name: string, parameters: object = {}) => ({ type: "function", name, parameters })

const wrong = [null, 7, true, [], {}, "", [null], [[]], { type: 7 }, [{ type: "message", role: "user" }]]

/** Bodies that are refused, each with the statuses that say so. */
const refused: readonly (readonly [string, string, string, number])[] = [
  ["an empty body", "responses", "", 400],
  ["a text", "responses", '"a"', 422],
  ["half a body", "responses", '{"input":', 400],
  ["deep JSON", "responses", `{"model":"agent","input":${deep(5_000)}}`, 422],
  ["deep JSON in an ignored member", "chat/completions", `{"model":"agent","metadata":${deep(5_000)}}`, 422],
  [
    "a deep schema",
    "responses",
    `{"model":"agent","input":"a","tools":[{"type":"function","name":"a","parameters":${deepSchema(25)}}]}`,
    422,
  ],
  ["a huge body", "chat/completions", chat({ user: "a".repeat(5_000_000) }), 413],
  ["a huge function", "responses", response({ tools: [functionTool("a", { a: "b".repeat(70_000) })] }), 422],
  ["many functions", "responses", response({ tools: many(33, functionTool("a")) }), 422],
  ["many values", "responses", response({ input: many(30_000, 1) }), 422],
  ["equal functions", "responses", response({ tools: many(2, functionTool("a")) }), 409],
  ["a hosted tool", "responses", response({ tools: [{ type: "web_search" }] }), 422],
  ["a bad function name", "responses", response({ tools: [functionTool("../a b")] }), 422],
  [
    "much metadata",
    "responses",
    response({ metadata: Object.fromEntries(many(17, 0).map((_, index) => [index, "a"])) }),
    422,
  ],
  [
    "an id of a session in another form",
    "responses",
    response({ conversation: `sess_${"x".repeat(300)}` }),
    422,
  ],
  ["a response that is none", "responses", response({ previous_response_id: "resp_../../a" }), 404],
  ["two places", "responses", response({ previous_response_id: "resp_a_b", conversation: "c" }), 404],
  ["a prompt template", "responses", response({ prompt: { id: "a" } }), 422],
  [
    "an image that is none",
    "responses",
    response({
      input: [{ role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AAAA" }] }],
    }),
    422,
  ],
  [
    "an image of this machine",
    "chat/completions",
    chat({
      messages: [
        { role: "user", content: [{ type: "image_url", image_url: { url: "http://127.0.0.1:1/a.png" } }] },
      ],
    }),
    422,
  ],
  [
    "a file",
    "responses",
    response({ input: [{ role: "user", content: [{ type: "input_file", file_id: "a" }] }] }),
    422,
  ],
  ["an unknown model", "chat/completions", chat({ model: "__proto__" }), 404],
  [
    "only an answer of the assistant",
    "chat/completions",
    chat({ messages: [{ role: "assistant", content: "a" }] }),
    400,
  ],
  [
    "only a result",
    "chat/completions",
    chat({ messages: [{ role: "tool", tool_call_id: "a", content: "b" }] }),
    400,
  ],
  [
    "a result of an unknown call",
    "responses",
    response({ input: [{ type: "function_call_output", call_id: "call_a_b", output: "c" }] }),
    400,
  ],
  [
    "an approval of an unknown call",
    "responses",
    response({ input: [{ type: "mcp_approval_response", approval_request_id: "mcpr_a_b", approve: true }] }),
    400,
  ],
]

async function start() {
  const provider = scriptedProvider(() => reply("Hello"))
  const { url } = await startGateway({ provider, rateLimits: false })
  const send = (path: string, body: string) =>
    fetch(`${url}/v1/${path}`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    })
  const get = (path: string) => fetch(`${url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })
  return { provider, send, get }
}

async function requireError(answer: Response, status: number): Promise<void> {
  const text = await answer.text()
  expect([text.slice(0, 500), answer.status]).toEqual([expect.any(String), status])
  expect(JSON.parse(text)).toEqual({
    error: {
      message: expect.stringMatching(/\S/),
      type: expect.stringMatching(/_error$/),
      param: expect.toBeOneOf([null, expect.any(String)]),
      code: expect.stringMatching(/^[a-z_]+$/),
    },
  })
  expect(answer.headers.get("x-should-retry")).toBe("false")
}

describe("a request that no honest client sends", () => {
  it.each(refused)("is refused: %s", async (_, path, body, status) => {
    const { send, provider } = await start()
    await requireError(await send(path, body), status)
    expect(provider.requests).toEqual([])
  })

  it.each(["responses", "chat/completions"])("has a member of another type: %s", async (path) => {
    const { send, get } = await start()
    const members = [
      "model",
      "input",
      "messages",
      "tools",
      "text",
      "stream",
      "conversation",
      "response_format",
    ]
    for (const member of [
      ...members,
      "previous_response_id",
      "instructions",
      "metadata",
      "stream_options",
      "store",
    ])
      for (const value of wrong) {
        const base = path === "responses" ? response({}) : chat({})
        const answer = await send(path, stringify({ ...JSON.parse(base), [member]: value }))
        const text = await answer.text()
        expect([member, value, answer.status < 500, text.length > 0]).toEqual([member, value, true, true])
        if (answer.status !== 200)
          expect(JSON.parse(text)).toMatchObject({ error: { code: expect.any(String) } })
      }
    expect((await get("models")).status).toBe(200)
  })

  it.each([
    ["responses/%00", 404],
    ["responses/resp_%2e%2e%2f", 404],
    [`responses/resp_${"a".repeat(5_000)}_b`, 404],
    ["responses/resp_a_b?stream=true&starting_after=-1", 404],
    ["models/%ff", 404],
    ["models/agent/", 404],
  ] as const)("has a path that leads nowhere: %s", async (path, status) => {
    const { get } = await start()
    await requireError(await get(path), status)
  })

  it.each(["-1", "1.5", "99999999999", "a", ""])("continues after %j", async (after) => {
    const { send, get } = await start()
    const { id } = (await (await send("responses", response({}))).json()) as { id: string }
    const answer = await get(`responses/${id}?stream=true&starting_after=${after}`)
    await requireError(answer, 400)
  })
})
