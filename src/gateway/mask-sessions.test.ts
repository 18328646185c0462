import { afterEach, expect, it } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const key = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"
let gateway: Gateway
afterEach(() => gateway.close({ graceMs: 0 }))

async function request(path: string, body?: unknown, token?: string) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) }
  return gateway.fetch(new Request(`http://gateway/api${path}`, init))
}

/** Resolves once the run has an open wait. */
async function untilAsked(): Promise<void> {
  await expect.poll(async () => (await gateway.waits.list()).length).toBe(1)
}

it("masks secrets in a question's message, and leaves its form unchanged", async () => {
  const schema = { type: "object", properties: { account_number: { type: "string" } } }
  const book = tool({
    name: "book",
    description: "Book.",
    inputSchema: { type: "object" },
    execute: async (_, { ask }) => (await ask({ mode: "form", message: `Known: ${key}`, schema })).content,
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "book", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  const redact = ["account_number"]
  gateway = createAgent("Hi.", { store: "memory", logger, provider, tools: [book], redact })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = (await request("/chat", { message: "Book." }, token)).text()
  await untilAsked()
  const history = (await (await request("/chat/history", undefined, token)).json()) as {
    pending_elicitations: { tool_call_id: string; nonce: string; schema: object }[]
  }
  const [pending] = history.pending_elicitations
  expect(pending?.schema).toEqual(schema)
  const { tool_call_id, nonce } = pending ?? {}
  const answer = { tool_call_id, nonce, action: "accept", content: { account_number: "DE12" } }
  expect((await request("/chat/elicitation", answer, token)).status).toBe(200)
  const shown = (await stream) + JSON.stringify(history)
  expect(shown).toContain('"type":"elicitation_request"')
  expect(shown).toContain('"account_number":{"type":"string"}')
  expect(shown).not.toContain(key)
  expect(shown).not.toContain("DE12")
})

it("masks secrets in emitted data, in the stream and in the history", async () => {
  const track = tool({
    name: "track",
    description: "Track.",
    inputSchema: { type: "object" },
    execute: async (_, { emit }) => {
      emit({ type: "data", name: "state", value: { account_number: "DE12", note: `Uses ${key}` } })
      emit({ type: "data", name: "state", value: { account_number: "DE34" }, transient: true })
      return "tracked"
    },
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "track", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  const redact = ["account_number"]
  gateway = createAgent("Hi.", { store: "memory", logger, provider, tools: [track], redact })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = await (await request("/chat", { message: "Track." }, token)).text()
  const history = await (await request("/chat/history", undefined, token)).text()
  for (const shown of [stream, history]) {
    expect(shown).toContain('"name":"state"')
    for (const secret of [key, "DE12", "DE34"]) expect(shown).not.toContain(secret)
  }
  expect(stream).toContain('"transient":true')
})

it("restores values that a person left masked, and executes nothing with a placeholder", async () => {
  const inputs: unknown[] = []
  const run = tool({
    name: "run",
    description: "Run.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: (input) => void inputs.push(input),
  })
  const long = "a line\n".repeat(5_000)
  const asked = {
    command: `curl -H "x-key: ${key}" https://one.example`,
    hosts: [
      { name: "a", account_number: "DE12" },
      { name: "b", account_number: "DE34" },
    ],
    long,
    retries: 1,
  }
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "run", input: asked }],
    [{ type: "text", text: "Done" }],
  ])
  const redact = ["account_number"]
  gateway = createAgent("Hi.", { store: "memory", logger, provider, tools: [run], redact })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = (await request("/chat", { message: "Run." }, token)).text()
  await untilAsked()
  const history = (await (await request("/chat/history", undefined, token)).json()) as {
    pending_approvals: { tool_call_id: string; nonce: string; tool_input: typeof asked }[]
  }
  const [{ tool_call_id, nonce, tool_input } = { tool_input: asked }] = history.pending_approvals
  expect(JSON.stringify(tool_input)).not.toContain(key)
  expect(tool_input.long).toBe(long)
  const approve = (changed: object) => {
    const edited = { ...tool_input, ...changed }
    return request("/chat/tool-approval", { tool_call_id, nonce, approved: true, tool_input: edited }, token)
  }
  for (const changed of [
    { command: tool_input.command.replace("one", "two") },
    { hosts: tool_input.hosts.slice(1) },
  ]) {
    const refused = await approve(changed)
    expect(refused.status).toBe(422)
    expect(await refused.json()).toMatchObject({ code: "invalid_answer" })
  }
  const hosts = tool_input.hosts.map((host) => ({ ...host, name: `${host.name}!` }))
  expect((await approve({ hosts, retries: 2 })).status).toBe(200)
  await stream
  const restored = asked.hosts.map((host) => ({ ...host, name: `${host.name}!` }))
  expect(inputs).toEqual([{ ...asked, hosts: restored, retries: 2 }])
})

it("masks secrets of tool calls for clients, while the tool and the model receive them", async () => {
  const inputs: unknown[] = []
  const pay = tool({
    name: "pay",
    description: "Pay.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: (input, { emit }) => {
      inputs.push(input)
      emit(`using ${key.slice(0, 20)}`)
      emit(`${key.slice(20)}, account_number: DE12`)
      return { receipt: 7, card: { accountNumber: "DE12" }, log: `with ${key}` }
    },
  })
  const asked = { amount: 9, account_number: "DE12", nested: { "account-number": "DE34" } }
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "pay", input: asked }],
    [{ type: "text", text: "Done" }],
  ])
  gateway = createAgent("Hi.", {
    store: "memory",
    logger,
    provider,
    tools: [pay],
    redact: ["account_number"],
  })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = (await request("/chat", { message: "Pay." }, token)).text()
  await untilAsked()

  const history = await (await request("/chat/history", undefined, token)).json()
  const [pending] = (
    history as { pending_approvals: { tool_call_id: string; nonce: string; tool_input: object }[] }
  ).pending_approvals
  const redactedInput = {
    amount: 9,
    account_number: "[redacted]",
    nested: { "account-number": "[redacted]" },
  }
  expect(pending?.tool_input).toEqual(redactedInput)
  const { tool_call_id, nonce } = pending ?? {}
  const decision = { tool_call_id, nonce, approved: true, tool_input: { ...redactedInput, amount: 1 } }
  expect((await request("/chat/tool-approval", decision, token)).status).toBe(200)

  const shown =
    (await stream) + JSON.stringify(await (await request("/chat/history", undefined, token)).json())
  expect(inputs).toEqual([{ ...asked, amount: 1 }])
  expect(JSON.stringify(provider.requests[1])).toContain(key)
  expect(shown).toContain('"receipt":7')
  expect(shown).not.toContain("DE12")
  expect(shown).not.toContain("DE34")
  expect(shown).not.toContain(key)
})

it("masks secrets in errors of tools, policies and runners for clients", async () => {
  const fail = tool({
    name: "fail",
    description: "Fail.",
    inputSchema: { type: "object" },
    execute: () => {
      throw new Error(`postgres://app:hunter2@db/x refused {"account_number":"DE12"}`)
    },
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "fail", input: {} }],
    [{ type: "toolCall", name: "fail", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  let calls = 0
  gateway = createAgent("Hi.", {
    store: "memory",
    logger,
    provider,
    tools: [fail],
    redact: ["account_number"],
    interceptors: [
      () => ({
        action: calls++ === 0 ? "warn" : "deny",
        message: "not for account_number DE34, account-number=DE34",
      }),
    ],
  })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = await (await request("/chat", { message: "Fail." }, token)).text()
  const history = JSON.stringify(await (await request("/chat/history", undefined, token)).json())
  expect(stream).toContain("tool_failed")
  expect(stream).toContain("interceptor_decision")
  for (const shown of [stream, history]) {
    expect(shown).not.toContain("hunter2")
    expect(shown).not.toContain("DE12")
    expect(shown).not.toContain("=DE34")
  }
})

it("masks secrets in errors of tools even without the option redact", async () => {
  const fail = tool({
    name: "fail",
    description: "Fail.",
    inputSchema: { type: "object" },
    execute: () => {
      throw new Error(`refused: ${key}`)
    },
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "fail", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  gateway = createAgent("Hi.", { store: "memory", logger, provider, tools: [fail] })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = await (await request("/chat", { message: "Fail." }, token)).text()
  expect(stream).toContain("refused: [redacted]")
  expect(stream).not.toContain(key)
})

it("masks secrets in a grant, and revokes the grant by its masked form", async () => {
  const run = tool({
    name: "run",
    description: "Run.",
    inputSchema: { type: "object" },
    needsApproval: true,
    qualifier: () => `token ${key}`,
    execute: () => null,
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "run", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  gateway = createAgent("Hi.", { store: "memory", logger, provider, tools: [run], redact: ["iban"] })
  const { session_token: token } = (await (await request("/chat/init", { api_key: "k" })).json()) as {
    session_token: string
  }
  const stream = (await request("/chat", { message: "Run." }, token)).text()
  await untilAsked()
  const [wait] = await gateway.waits.list()
  if (wait === undefined) throw new Error("Nothing waits.")
  await gateway.waits.approve(wait, { allowToolType: true })
  await stream
  const grants = async () => await (await request("/chat/grants", undefined, token)).json()
  expect(await grants()).toMatchObject({ grants: [{ tool_name: "run", qualifier: "token [redacted]" }] })
  const query = new URLSearchParams({ tool_name: "run", qualifier: "token [redacted]" })
  const revoked = await gateway.fetch(
    new Request(`http://gateway/api/chat/grants?${query}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${token}` },
    }),
  )
  expect(revoked.status).toBe(200)
  expect(await grants()).toEqual({ grants: [] })
})
