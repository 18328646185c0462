import { afterEach, expect, it } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import { archiveHistories } from "../kernel/sessions/archive-histories.ts"
import { silentLogger } from "../kernel/sessions/fixtures/test-gateway.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

interface WireMessage {
  readonly role: "user" | "assistant"
  readonly content: string
}

/** Starts a gateway whose model calls a lookup tool in each run. */
async function startGateway() {
  const store = await openMemoryStore({ clock: { now: () => Date.now() }, logger: silentLogger })
  const provider = scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: `Response ${messages.length}` }]
      : [{ type: "toolCall", name: "look", input: { at: messages.length } }],
  )
  const gateway = createAgent("You look things up.", {
    store,
    provider,
    model: "model",
    logger: silentLogger,
    validApiKeys: ["key"],
    rateLimits: false,
    tools: [
      tool({ name: "look", description: "Looks.", inputSchema: { type: "object" }, execute: () => "seen" }),
    ],
  })
  ends.push(() => gateway.close({ graceMs: 0 }))
  const post = async (path: string, body: object, token?: string) => {
    const headers = {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    const init = { method: "POST", headers, body: JSON.stringify(body) }
    return (await gateway.fetch(new Request(`http://localhost/api${path}`, init))).text()
  }
  const opened = JSON.parse(await post("/chat/init", { api_key: "key" }))
  return {
    provider,
    store,
    sessionId: String(opened.session_id),
    /** Sends the messages, and resolves to the text of the response. */
    async chat(messages: readonly WireMessage[]): Promise<string> {
      const stream = await post("/chat", { messages }, opened.session_token)
      const texts = [...stream.matchAll(/"type":"text_delta".*?"text":"([^"]*)"/g)]
      return texts.map(([, text]) => text).join("")
    },
  }
}

it("keeps the tool calls for a client that sends its last 41 messages, and logs no replaced history", async () => {
  const { provider, store, sessionId, chat } = await startGateway()
  const held: WireMessage[] = []
  for (let turn = 0; turn < 80; turn++) {
    held.push({ role: "user", content: `Message ${turn}: ${"word ".repeat(200)}` })
    held.push({ role: "assistant", content: await chat(held.slice(-41)) })
  }
  const last = provider.requests.at(-1)?.messages ?? []
  expect(last.filter(({ role }) => role === "tool")).toHaveLength(80)
  expect(last.filter(({ role }) => role === "user")).toHaveLength(80)
  expect(await store.log.historyStart(sessionId)).toBe(0)
  const stored = (await store.log.session(sessionId))?.storedBytes ?? 0
  expect(stored).toBeLessThan(80 * 4_000)
})

it("replaces the history of a client that changes one of the last messages", async () => {
  const { provider, store, sessionId, chat } = await startGateway()
  const held: WireMessage[] = []
  for (let turn = 0; turn < 4; turn++) {
    held.push({ role: "user", content: `Message ${turn}: ${"word ".repeat(300)}` })
    held.push({ role: "assistant", content: await chat(held) })
  }
  expect(await store.log.historyStart(sessionId)).toBe(0)
  await chat([
    ...held.slice(-3, -1),
    { role: "assistant", content: "No." },
    { role: "user", content: "Why?" },
  ])
  expect(await store.log.historyStart(sessionId)).toBeGreaterThan(0)
  const last = provider.requests.at(-1)?.messages ?? []
  expect(last.filter(({ role }) => role === "tool")).toHaveLength(1)
  const stored = async () => (await store.log.session(sessionId))?.storedBytes ?? 0
  const before = await stored()
  const entries = await store.log.read(sessionId, { afterSeq: 0, limit: 1_000 })
  await archiveHistories(store.log, store.archive)
  expect(await stored()).toBeLessThan(before - 4_000)
  expect(await store.log.read(sessionId, { afterSeq: 0, limit: 1_000 })).toEqual(entries)
})
