import {
  type AnyClientTool,
  ChatClient,
  type ChatClientOptions,
  fetchServerSentEvents,
} from "@tanstack/ai-client"
import { describe, expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { longText } from "../../client/suite/model.mjs"
import { startSuite } from "../../client/support.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import { judgeResponses } from "./support/judge-responses.ts"
import { authorization, serve } from "./support/serve.ts"

const say = (text: string) => [{ type: "text", text } as const]
const call = (name: string, input = {}) => ({ type: "toolCall", name, input }) as const

type Storage = Exclude<ChatClientOptions["persistence"], boolean | undefined>

/** The storage of a browser, which survives a reload of the page. */
function createStorage(): Storage {
  const records = new Map<string, never>()
  return {
    getItem: (id) => records.get(id) ?? null,
    setItem: (id, state) => void records.set(id, structuredClone(state) as never),
    removeItem: (id) => void records.delete(id),
  }
}

interface Page {
  readonly address: string
  readonly threadId?: string
  readonly headers?: Record<string, string>
  readonly storage?: Storage
  readonly tools?: readonly AnyClientTool[]
}

/** Opens a page with the client of TanStack AI. All that it receives is judged. */
function open({ address, threadId = "thread-1", headers = authorization, storage, tools = [] }: Page) {
  const responses = judgeResponses()
  const errors: Error[] = []
  const client: ChatClient = new ChatClient({
    threadId,
    connection: fetchServerSentEvents(`${address}?threadId=${threadId}`, {
      headers,
      fetchClient: responses.fetch,
      // A gateway that was killed needs some seconds until it listens again.
      reconnect: { maxAttempts: 600, delayMs: 100 },
    }),
    tools,
    onError: (error) => errors.push(error),
    // The protocol cannot take a message back, so the page does it, as docs/ag-ui.md says.
    onCustomEvent: (name, value) => {
      if (name !== "gateway.message_discarded") return
      const { messageId } = value as { readonly messageId: string }
      client.setMessagesManually(client.getMessages().filter(({ id }) => !id.startsWith(messageId)))
    },
    ...(storage !== undefined && { persistence: storage }),
  })
  client.attach()
  return { client, errors, accept: responses.accept }
}

const textsOf = ({ client }: ReturnType<typeof open>) =>
  client
    .getMessages()
    .map(({ role, parts }) => [
      role,
      parts.flatMap((part) => (part.type === "text" ? part.content : [])).join(""),
    ])

/** Waits until the page shows the text as its last one, and the client can send. */
const hasAnswer = (page: ReturnType<typeof open>, text: string) =>
  eventually(`the answer ${text}`, () =>
    textsOf(page).at(-1)?.[1] === text && !page.client.getIsLoading() ? true : null,
  )

describe("the client of TanStack AI", () => {
  it("holds a conversation with reasoning and tools of the gateway", async () => {
    const add = tool({
      ...{ name: "add", description: "Adds.", inputSchema: { type: "object" } },
      execute: () => ({ sum: 5 }),
    })
    const script = [
      [{ type: "thinking", text: "Hm." } as const, call("add", { a: 2 })],
      say("Five."),
      say("Six."),
    ]
    const { address, gateway, provider } = await serve(script, { tools: [add] })
    const page = open({ address })
    await page.client.sendMessage("2 + 3?")
    await hasAnswer(page, "Five.")
    expect(page.client.getMessages().flatMap(({ parts }) => parts)).toMatchObject([
      { type: "text", content: "2 + 3?" },
      { type: "thinking", content: "Hm." },
      { type: "tool-call", name: "add", arguments: '{"a":2}', state: "complete" },
      { type: "tool-result", content: '{"sum":5}' },
      { type: "text", content: "Five." },
    ])
    await page.client.sendMessage("And 2 + 4?")
    await hasAnswer(page, "Six.")
    expect(provider.requests).toHaveLength(3)
    expect((await gateway.sessions.runs({})).items).toHaveLength(2)
    expect(page.errors).toEqual([])
    await page.accept()
  })

  it("answers approvals", async () => {
    const paid: unknown[] = []
    const pay = tool({
      ...{ name: "pay", description: "Pays.", inputSchema: { type: "object" }, needsApproval: true },
      execute: (input) => {
        paid.push(input)
        return "paid"
      },
    })
    const script = [[call("pay", { sum: 5 })], say("Done."), [call("pay", { sum: 6 })], say("Not done.")]
    const { address } = await serve(script, { tools: [pay] })
    const page = open({ address })
    for (const [approved, answer] of [
      [true, "Done."],
      [false, "Not done."],
    ] as const) {
      await page.client.sendMessage("Pay")
      await eventually("the question", () => page.client.getInterrupts()[0] ?? null)
      expect(page.client.getInterrupts()).toMatchObject([
        { message: "Allow the call of pay?", canResolve: true },
      ])
      page.client.resolveInterrupts((interrupt) => void interrupt.resolveInterrupt({ approved } as never))
      await hasAnswer(page, answer)
      expect(page.client.getInterrupts()).toEqual([])
    }
    expect(paid).toEqual([{ sum: 5 }])
    expect(page.errors).toEqual([])
    await page.accept()
  })

  it("executes tools of the page", async () => {
    const script = [[call("color", { of: "sky" })], say("It is blue.")]
    const { address, provider } = await serve(script)
    const page = open({ address, tools: [color((of) => `${of} is blue`)] })
    await page.client.sendMessage("Which color?")
    await hasAnswer(page, "It is blue.")
    expect(JSON.stringify(provider.requests[1]?.messages)).toContain("sky is blue")
    expect(page.errors).toEqual([])
    await page.accept()
  })

  it("stops to read, while the run goes on until it is canceled", async () => {
    const script = [[...say("Hello"), { type: "wait", until: new Promise<void>(() => {}) } as const]]
    const { address, gateway } = await serve(script)
    const page = open({ address })
    const sent = page.client.sendMessage("Hi")
    await eventually("the first word", () => (textsOf(page).at(-1)?.[1] === "Hello" ? true : null))
    const runId = page.client.getCurrentRunId() ?? ""
    page.client.stop()
    await sent
    expect((await gateway.sessions.runs({})).items).toMatchObject([{ state: "running" }])
    const query = `threadId=thread-1&runId=${runId}`
    const canceled = await fetch(`${address}?${query}`, { method: "DELETE", headers: authorization })
    expect(canceled.status).toBe(204)
    expect(page.errors).toEqual([])
  })

  it("shows a whole answer after the page was loaded again, and after the gateway was killed, in the middle of it", async () => {
    const { url: origin } = await startSuite()
    const storage = createStorage()
    const options = {
      address: `${origin}/api/ag-ui`,
      headers: { authorization: "Bearer suite-key" },
      storage,
    }
    const first = open(options)
    void first.client.sendMessage("long")
    await eventually("some words", () => (textsOf(first).at(-1)?.[1]?.includes("wörd5 ") ? true : null))
    first.client.dispose()
    const second = open(options)
    await eventually("more words", () => (textsOf(second).at(-1)?.[1]?.includes("wörd10 ") ? true : null))
    await fetch(`${origin}/control/kill`, { method: "POST" })
    await hasAnswer(second, longText)
    expect(textsOf(second)).toEqual([
      ["user", "long"],
      ["assistant", longText],
    ])
    const third = open(options)
    await third.client.sendMessage("Hello")
    await hasAnswer(third, "Hello you.")
    expect(textsOf(third)).toEqual([
      ["user", "long"],
      ["assistant", longText],
      ["user", "Hello"],
      ["assistant", "Hello you."],
    ])
    expect([first, second, third].map(({ errors }) => errors)).toEqual([[], [], []])
  })
})

function color(find: (of: string) => string): AnyClientTool {
  return {
    __toolSide: "client",
    name: "color",
    description: "Finds a color.",
    execute: (input: { readonly of: string }) => find(input.of),
  }
}
