import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it } from "vitest"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { createForgeries, forged, readFrames, textOf } from "../core/text/fixtures/forgeries.ts"
import { silentLogger } from "../kernel/sessions/fixtures/test-gateway.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import type { HistoryResponse } from "../wires/native/schemas/history.ts"
import type { AgentOptions } from "./create-agent.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

const isSummary = ({ system }: ModelRequest) =>
  system.some(({ text }) => text.includes("You write summaries"))
const long = "Words that fill the window. ".repeat(60)

function agentWith(
  respond: (request: ModelRequest) => readonly ScriptedStep[],
  options: Partial<AgentOptions> = {},
) {
  const provider = scriptedProvider((request) => {
    return isSummary(request) ? [{ type: "text", text: "They talked." }] : respond(request)
  })
  const gateway = createAgent("You help.", {
    store: "memory",
    provider,
    model: "model",
    logger: silentLogger,
    contextWindow: 6_000,
    maxTokens: 500,
    ...options,
  })
  gateways.push(gateway)
  return { gateway, provider }
}

/** Sends messages until a summary has replaced the first one, and a few more. */
async function talk(
  gateway: Gateway,
  provider: ReturnType<typeof scriptedProvider>,
  first: string,
): Promise<string> {
  const { sessionId } = await gateway.run(first)
  for (let turn = 0; provider.requests.filter(isSummary).length < 2; turn++) {
    await gateway.run(`${turn}: ${long}`, { sessionId })
  }
  return sessionId
}

it("keeps the instructions of loaded skills", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skills-"))
  await writeFile(
    join(folder, "tea.md"),
    "---\nname: tea\ndescription: Makes tea.\n---\n\nWarm the pot first.\n",
  )
  const { gateway, provider } = agentWith(
    ({ messages }) => {
      const isFirst = messages.length === 1 && JSON.stringify(messages).includes("Make tea.")
      return isFirst
        ? [{ type: "toolCall", name: "load_skill", input: { name: "tea" } }]
        : [{ type: "text", text: long }]
    },
    { skillsDir: folder },
  )
  await talk(gateway, provider, "Make tea.")
  const last = JSON.stringify(provider.requests.findLast((request) => !isSummary(request))?.messages)
  expect(last).toContain("They talked.")
  expect(last).toContain("Warm the pot first.")
  expect(last.match(/Warm the pot first/g)).toHaveLength(1)
})

it("lets the model read the result of a call that a summary replaced", async () => {
  let callId = ""
  const look = tool({
    name: "look",
    description: "Looks.",
    inputSchema: { type: "object" },
    execute: (_input, { toolCallId }) => {
      callId = toolCallId
      return "The code is 4711."
    },
  })
  const { gateway, provider } = agentWith(
    ({ messages }) => {
      const last = messages.at(-1)
      if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results[0]?.result) }]
      const said = JSON.stringify(last)
      if (said.includes("Look around.")) return [{ type: "toolCall", name: "look" }]
      if (said.includes("Look it up."))
        return [{ type: "toolCall", name: "tool_result_read", input: { id: callId } }]
      return [{ type: "text", text: long }]
    },
    { tools: [look] },
  )
  const sessionId = await talk(gateway, provider, "Look around.")
  expect(JSON.stringify(provider.requests.at(-1)?.messages)).not.toContain("4711")
  const { response } = await gateway.run("Look it up.", { sessionId })
  expect(response).toContain("4711")
})

it("sends no vendor data to another vendor", async () => {
  const vendor = { provider: "scripted", data: { signature: "secret-signature" } }
  const summarizer = { ...scriptedProvider(() => [{ type: "text", text: "They talked." }]), name: "other" }
  const { gateway, provider } = agentWith(
    () => [
      { type: "thinking", text: "Hm.", vendor },
      { type: "text", text: long },
    ],
    { compactionModel: { provider: summarizer, model: "small" } },
  )
  const { sessionId } = await gateway.run("Hello.")
  while (summarizer.requests.length < 2) await gateway.run(long, { sessionId })
  expect(JSON.stringify(summarizer.requests)).not.toContain("secret-signature")
  expect(JSON.stringify(summarizer.requests)).not.toContain("Hm.")
  expect(summarizer.requests.every(({ model }) => model === "small")).toBe(true)
  expect(JSON.stringify(provider.requests.at(-1)?.messages)).toContain("secret-signature")
})

it("keeps an open approval, and continues after its answer", async () => {
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: () => `Paid. ${long.repeat(3)}`,
  })
  const { gateway, provider } = agentWith(
    ({ messages }) => {
      const last = messages.at(-1)
      return last?.role === "user" && JSON.stringify(last).includes("Pay now.")
        ? [{ type: "toolCall", name: "pay" }]
        : [{ type: "text", text: long }]
    },
    { tools: [pay] },
  )
  const sessionId = await talk(gateway, provider, "Hello.")
  const summaries = provider.requests.filter(isSummary).length
  const { outcome, response } = await gateway.run(`Pay now. ${long.repeat(2)}`, {
    sessionId,
    onApproval: () => ({ approved: true }),
  })
  expect(outcome).toBe("completed")
  expect(response).toBe(long)
  expect(provider.requests.filter(isSummary).length).toBeGreaterThan(summaries)
  const roles = provider.requests.at(-1)?.messages.map(({ role }) => role)
  expect(roles?.slice(-2)).toEqual(["assistant", "tool"])
  expect(JSON.stringify(provider.requests.at(-1)?.messages)).toContain("Pay now.")
})

it("marks the place of each summary in the history, with the id of its event in the stream", async () => {
  const { gateway } = agentWith(() => [{ type: "text", text: long }])
  const fetchApi = (path: string, init: RequestInit = {}) =>
    gateway.fetch(new Request(`http://localhost/api${path}`, init))
  const json = { "content-type": "application/json" }
  const post = (path: string, body: object, headers: Readonly<Record<string, string>>) =>
    fetchApi(path, { method: "POST", headers, body: JSON.stringify(body) })
  const started = await post("/chat/init", { api_key: "key" }, json)
  const { session_token } = (await started.json()) as { readonly session_token: string }
  const headers = { ...json, authorization: `Bearer ${session_token}` }
  const streamed: number[] = []
  for (let turn = 0; streamed.length < 2; turn++) {
    const stream = await (await post("/chat", { message: `${turn}: ${long}` }, headers)).text()
    for (const frame of stream.split("\n\n")) {
      if (frame.includes('"type":"compaction"')) streamed.push(Number(/^id: ?(\d+)/m.exec(frame)?.[1]))
    }
  }
  const history = (await (await fetchApi("/chat/history", { headers })).json()) as HistoryResponse
  const marked = history.messages.filter(({ content }) => content[0]?.type === "compaction")
  expect(marked.map(({ content }) => content.map(({ type }) => type))).toEqual([
    ["compaction", "text"],
    ["compaction", "text"],
  ])
  expect(marked.map(({ content }) => content[0])).toMatchObject(
    streamed.map((cursor) => ({ cursor, chars: 12 })),
  )
  // The run whose context became too long has the mark.
  expect(history.messages.at(-1)).toBe(marked.at(-1))
  expect(history.messages.at(-2)).toMatchObject({ role: "user" })
})

it("ends a run whose conversation is too long, if compactions are off", async () => {
  const { gateway } = agentWith(() => [{ type: "failure", code: "context_too_long" }], { compaction: false })
  const { error } = await gateway.run("Hello.")
  expect(error).toMatchObject({ code: "context_too_long" })
})

it("shows no text of a tool outside its frame, through two summaries that repeat it", async () => {
  const page = createForgeries("conversation").join("\n")
  const look = tool({
    name: "look",
    description: "Looks.",
    inputSchema: { type: "object" },
    execute: () => ({ content: [{ type: "text", text: page }] }),
  })
  const summaries: string[] = []
  const texts: string[] = []
  const provider = scriptedProvider((request) => {
    const shown = isSummary(request) ? summaries : texts
    shown.push(...request.messages.map(textOf))
    // A model that a hostile page has persuaded repeats it.
    if (isSummary(request)) return [{ type: "text", text: page }]
    const hasLooked = request.messages.some(({ role }) => role === "tool")
    return hasLooked ? [{ type: "text", text: long }] : [{ type: "toolCall", name: "look", input: {} }]
  })
  const options = { store: "memory", provider, model: "model", logger: silentLogger, tools: [look] } as const
  const gateway = createAgent("You help.", { ...options, contextWindow: 8_000, maxTokens: 500 })
  gateways.push(gateway)
  await talk(gateway, provider, "Read the page.")
  expect(summaries.length).toBeGreaterThan(1)
  for (const text of [...summaries, ...texts]) {
    expect(readFrames(text, ["former_summary", "conversation", "summary"]).outside).not.toContain(forged)
  }
  expect(JSON.stringify(summaries)).toContain(forged)
})
