import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import type { JsonObject } from "../core/json/json.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const locate = {
  name: "locate",
  description: "Finds the user's place.",
  input_schema: { type: "object", properties: { exact: { type: "boolean" } }, required: ["exact"] },
}

interface Client {
  readonly post: (path: string, body: object) => Promise<Response>
  readonly pending: () => Promise<{ tool_call_id: string; nonce: string; tool_input: JsonObject } | undefined>
}

/** Starts a gateway and a client of one session. In each run, the model calls `locate` if it is offered that tool. */
async function start(options: Partial<AgentOptions> = {}, token?: string) {
  const provider = scriptedProvider(({ messages, tools }) => {
    const isAsked = messages.at(-1)?.role === "user" && tools.some(({ name }) => name === "locate")
    return isAsked
      ? [{ type: "toolCall", name: "locate", input: { exact: true } }]
      : [{ type: "text", text: "Done" }]
  })
  const look = tool({
    name: "look",
    description: "Looks.",
    inputSchema: { type: "object" },
    execute: () => "seen",
  })
  const gateway = createAgent("Help.", { store: "memory", logger, provider, tools: [look], ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const request = (path: string, session: string, init: RequestInit = {}) =>
    gateway.fetch(
      new Request(`http://gateway/api${path}`, {
        ...init,
        headers: { "content-type": "application/json", authorization: `Bearer ${session}` },
      }),
    )
  const send = (path: string, body: object, session: string) =>
    request(path, session, { method: "POST", body: JSON.stringify(body) })
  const init = async () => {
    const { session_token } = (await (await send("/chat/init", { api_key: "k" }, "")).json()) as {
      session_token: string
    }
    return session_token
  }
  const session = token ?? (await init())
  const client: Client = {
    post: (path, body) => send(path, body, session),
    async pending() {
      const history = await (await request("/chat/history", session)).json()
      return (history as { pending_tool_calls: Awaited<ReturnType<Client["pending"]>>[] })
        .pending_tool_calls[0]
    },
  }
  return { gateway, provider, client, session }
}

async function answer(client: Client, result: JsonObject): Promise<void> {
  await expect.poll(() => client.pending()).toBeDefined()
  const { tool_call_id, nonce } = (await client.pending()) ?? {}
  const response = await client.post("/chat/tool-result", { tool_call_id, nonce, result })
  expect(await response.text()).toContain("ok")
}

describe("a tool that a client declares", () => {
  it("is offered to the model with the agent's tools, in this run only, and its calls wait for the client", async () => {
    const { client, provider } = await start({ allowClientTools: true })
    const stream = client.post("/chat", { message: "Where am I?", tools: [locate] })
    await answer(client, { city: "Rome" })
    const text = await (await stream).text()
    expect(text).toContain('"execution_location":"client"')
    expect(text).toContain('"terminal_disposition":"completed"')
    expect(JSON.stringify(provider.requests.at(-1)?.messages)).toContain("Rome")
    await (await client.post("/chat", { message: "And now?" })).text()
    const shown = provider.requests.map(({ tools }) => tools.map(({ name }) => name))
    expect(shown).toEqual([["look", "locate"], ["look", "locate"], ["look"]])
    expect(provider.requests[0]?.tools[1]?.inputSchema).toEqual(locate.input_schema)
  })

  it("is known to the process that continues the run", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const options = { allowClientTools: true, store: join(folder, "store"), jwtSecret: "s".repeat(32) }
    const first = await start(options)
    const stream = first.client.post("/chat", { message: "Where am I?", tools: [locate] })
    await expect.poll(() => first.client.pending()).toBeDefined()
    await first.gateway.close({ graceMs: 0 })
    await expect((await stream).text()).rejects.toThrow("The stream was interrupted")
    const second = await start(options, first.session)
    await answer(second.client, { city: "Rome" })
    await expect.poll(() => second.provider.requests.length).toBe(1)
    expect(second.provider.requests[0]?.tools.map(({ name }) => name)).toEqual(["look", "locate"])
  })

  it("is left out when a run continues after clients may no longer declare it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const options = { store: join(folder, "store"), jwtSecret: "s".repeat(32) }
    const first = await start({ ...options, allowClientTools: true })
    const stream = first.client.post("/chat", { message: "Where am I?", tools: [locate] })
    await expect.poll(() => first.client.pending()).toBeDefined()
    await first.gateway.close({ graceMs: 0 })
    await expect((await stream).text()).rejects.toThrow("The stream was interrupted")
    const second = await start(options, first.session)
    await answer(second.client, { city: "Rome" })
    await expect.poll(() => second.provider.requests.length).toBe(1)
    expect(second.provider.requests[0]?.tools.map(({ name }) => name)).toEqual(["look"])
  })
})

describe("tools of a client are refused", () => {
  const refusals: readonly (readonly [string, AgentOptions["allowClientTools"], object, number, string])[] = [
    ["without allowClientTools", undefined, locate, 403, "client_tools_not_allowed"],
    ["by a filter", ({ name }) => name !== "locate", locate, 403, "client_tools_not_allowed"],
    ["with the name of an agent's tool", true, { ...locate, name: "look" }, 409, "client_tool_name_taken"],
    [
      "with a schema that cannot be used",
      true,
      { ...locate, input_schema: { type: "object", properties: { a: { type: "nothing" } } } },
      422,
      "invalid_client_tool",
    ],
    ["with a wrong name", true, { ...locate, name: "find me" }, 422, "invalid_body"],
    ["without a description", true, { ...locate, description: "" }, 422, "invalid_body"],
    [
      "with a schema of something else",
      true,
      { ...locate, input_schema: { type: "string" } },
      422,
      "invalid_body",
    ],
    [
      "with a schema that is too large",
      true,
      { ...locate, input_schema: { type: "object", title: "x".repeat(20_000) } },
      422,
      "invalid_body",
    ],
    [
      "with a schema that nests too deep",
      true,
      {
        ...locate,
        input_schema: { type: "object", not: JSON.parse(`${'{"not":'.repeat(25)}{}${"}".repeat(25)}`) },
      },
      422,
      "invalid_body",
    ],
  ]
  it.each(refusals)("%s", async (_, allowClientTools, declared, status, code) => {
    const { client, provider } = await start(allowClientTools === undefined ? {} : { allowClientTools })
    const response = await client.post("/chat", { message: "Hi", tools: [declared] })
    expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
      status,
      code,
    })
    expect(provider.requests).toEqual([])
  })

  it.each<readonly [string, readonly object[], string?]>([
    ["twice under one name", [locate, locate], "client_tool_name_taken"],
    ["too many of them", Array.from({ length: 33 }, (_, n) => ({ ...locate, name: `locate_${n}` }))],
    [
      "too large together",
      Array.from({ length: 8 }, (_, n) => ({
        ...locate,
        name: `locate_${n}`,
        input_schema: { type: "object", title: "x".repeat(10_000) },
      })),
    ],
  ])("%s", async (_, tools, code = "invalid_body") => {
    const { client } = await start({ allowClientTools: true })
    const response = await client.post("/chat", { message: "Hi", tools })
    expect(await response.json()).toMatchObject({ code })
  })
})
