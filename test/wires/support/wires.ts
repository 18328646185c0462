import { HttpAgent, type Message } from "@ag-ui/client"
import OpenAI from "openai"
import { eventsOf, judge, parseStream, replay } from "../../../src/wires/ag-ui/fixtures/judge.ts"
import type { HistoryResponse } from "../../../src/wires/native/schemas/history.ts"
import { formatResponseId } from "../../../src/wires/openai/ids.ts"
import { eventStream } from "../../end-to-end/support/event-stream.ts"
import { callsOf, createChat, textOf } from "../ai-sdk/support/headless-chat.ts"

export const key = "a-key-of-the-application"
const headers = { authorization: `Bearer ${key}`, "x-user-id": "ada" }

/** A run of a conversation, at one node. */
export interface Place {
  /** Address of the node, without the prefix. */
  readonly url: string
  readonly conversation: string
  readonly sessionId: string
  readonly runId: string
}

/** The part of a run that people see. */
interface Seen {
  readonly text: string
  /** Names, inputs and results of the calls that have a result. */
  readonly calls: readonly (readonly [string, unknown, unknown])[]
  /** Names and inputs of the calls that a person must allow. */
  readonly asks: readonly (readonly [string, unknown])[]
}

/** A stream that a client reads. */
interface Watched {
  /** Returns the text so far. */
  readonly text: () => string
  readonly ended: Promise<unknown>
}

/** A protocol, as its clients use it. */
interface Protocol {
  /** Starts a run. Resolves when the gateway has accepted the message. */
  start(url: string, conversation: string, text: string): Promise<void>
  see(place: Place): Promise<Seen>
  /** Joins the run while it is open. */
  watch(place: Place): Watched
  /** Allows the call that waits. */
  allow(place: Place): Promise<void>
}

const native: Protocol = {
  async start(url, conversation, text) {
    const response = await (await openSession(url, conversation)).send("/chat", { message: text })
    // This stream stays open while the run waits for people.
    await response.body?.cancel()
  },
  async see({ url, conversation }) {
    const { messages, pending_approvals } = await readHistory(url, conversation)
    const blocks = messages.flatMap(({ role, content }) => (role === "user" ? [] : content))
    const calls = blocks.flatMap((block) => (block.type === "tool_call" ? block : []))
    return {
      text: blocks.flatMap((block) => (block.type === "text" ? block.text : [])).join(""),
      calls: blocks.flatMap((block) => {
        if (block.type !== "tool_result") return []
        const call = calls.find(({ tool_call_id }) => tool_call_id === block.tool_call_id)
        return [[call?.tool_name ?? "", call?.tool_input, block.result] as const]
      }),
      asks: pending_approvals.map(({ tool_name, tool_input }) => [tool_name, tool_input]),
    }
  },
  watch({ url, conversation }) {
    return collect(async (onText) => {
      const { get } = await openSession(url, conversation)
      const stream = eventStream(await get("/chat/subscribe?after_seq=0"))
      for (let frame = await stream.next(); frame !== null; frame = await stream.next())
        if (frame.event.type === "text_delta") onText(frame.event.text)
    })
  },
  async allow({ url, conversation }) {
    const [approval] = (await readHistory(url, conversation)).pending_approvals
    const { send } = await openSession(url, conversation)
    await send("/chat/tool-approval", {
      ...{ tool_call_id: approval?.tool_call_id, nonce: approval?.nonce, approved: true },
    })
  },
}

/** Starts to read a stream, whose pieces of text are joined. */
function collect(read: (onText: (text: string) => void) => Promise<void>): Watched {
  let all = ""
  const ended = read((text) => {
    all += text
  })
  return { text: () => all, ended }
}

async function openSession(url: string, conversation: string) {
  const body = { api_key: key, user_id: "ada", external_id: conversation }
  const opened = await post(`${url}/api/chat/init`, body)
  const { session_token: token } = (await opened.json()) as { readonly session_token: string }
  const authorization = { authorization: `Bearer ${token}` }
  return {
    send: (path: string, sent: object) => post(`${url}/api${path}`, sent, authorization),
    get: (path: string) => fetch(`${url}/api${path}`, { headers: authorization }).then(requireOk),
  }
}

async function readHistory(url: string, conversation: string): Promise<HistoryResponse> {
  const { get } = await openSession(url, conversation)
  return (await (await get("/chat/history")).json()) as HistoryResponse
}

async function post(url: string, body: object, more: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...more },
    body: JSON.stringify(body),
  })
  return requireOk(response)
}

async function requireOk(response: Response): Promise<Response> {
  if (response.ok) return response
  throw new Error(`${response.url} responded with ${response.status}: ${await response.text()}`)
}

const aiSdk: Protocol = {
  start: (url, conversation, text) => openChat(url, conversation).sendMessage({ text }),
  async see({ url, conversation }) {
    const chat = openChat(url, conversation)
    await chat.resumeStream()
    const calls = callsOf(chat.lastMessage)
    return {
      text: textOf(chat.lastMessage),
      calls: calls.flatMap((part) =>
        part.state === "output-available" ? [[part.toolName, part.input, part.output] as const] : [],
      ),
      asks: calls.flatMap((part) =>
        part.state === "approval-requested" ? [[part.toolName, part.input] as const] : [],
      ),
    }
  },
  watch({ url, conversation }) {
    const chat = openChat(url, conversation)
    return { text: () => textOf(chat.lastMessage), ended: chat.resumeStream() }
  },
  async allow({ url, conversation }) {
    const chat = openChat(url, conversation)
    await chat.resumeStream()
    for (const part of callsOf(chat.lastMessage))
      if (part.state === "approval-requested")
        await chat.addToolApprovalResponse({ id: part.approval.id, approved: true })
    await chat.sendMessage()
  },
}

function openChat(url: string, id: string) {
  const send: typeof fetch = (input, init) =>
    fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), ...headers } })
  return createChat({ url: `${url}/api`, key, id, fetch: send }).chat
}

const agUi: Protocol = {
  async start(url, threadId, content) {
    const messages = [{ id: "u", role: "user", content }]
    const response = await post(`${url}/api/ag-ui`, { threadId, runId: "run-1", messages }, headers)
    await response.text()
  },
  async see(place) {
    const { messages, interrupts } = await joinRun(place)
    const results = new Map(
      messages.flatMap((message) => (message.role === "tool" ? [[message.toolCallId, message.content]] : [])),
    )
    const calls = messages.flatMap((message) =>
      message.role === "assistant" ? (message.toolCalls ?? []) : [],
    )
    const toInput = (id: string | undefined) => {
      const { name = "", arguments: input = "null" } = calls.find((call) => call.id === id)?.function ?? {}
      return [name, JSON.parse(input) as unknown] as const
    }
    return {
      text: textOfAnswers(messages),
      calls: calls.flatMap(({ id }) => {
        const result = results.get(id)
        return typeof result === "string" ? [[...toInput(id), JSON.parse(result) as unknown] as const] : []
      }),
      asks: interrupts.map(({ toolCallId }) => toInput(toolCallId)),
    }
  },
  watch({ url, conversation, runId }) {
    const agent = new HttpAgent({ url: `${url}/api/ag-ui`, threadId: conversation, headers })
    return { text: () => textOfAnswers(agent.messages), ended: agent.runAgent({ runId }) }
  },
  async allow(place) {
    const { interrupts } = await joinRun(place)
    const resume = interrupts.map(({ id }) => ({
      interruptId: id,
      status: "resolved",
      payload: { approved: true },
    }))
    const input = { threadId: place.conversation, runId: "run-2", messages: [], resume }
    await (await post(`${place.url}/api/ag-ui`, input, headers)).text()
  },
}

function textOfAnswers(messages: readonly Message[]): string {
  return messages.flatMap(({ role, content }) => (role === "assistant" ? (content ?? []) : [])).join("")
}

interface Interrupt {
  readonly id: string
  readonly toolCallId?: string
}

/** Resolves to what a client has that joins the run. */
async function joinRun({ url, conversation, runId }: Place) {
  const response = await fetch(`${url}/api/ag-ui?threadId=${conversation}&runId=${runId}`, { headers })
  const read = parseStream(await (await requireOk(response)).text())
  await judge(read)
  const { outcome } = (read.at(-1)?.event ?? {}) as { outcome?: { interrupts?: readonly Interrupt[] } }
  return { messages: await replay([eventsOf(read)]), interrupts: outcome?.interrupts ?? [] }
}

const openAi: Protocol = {
  async start(url, conversation, input) {
    await openClient(url).responses.create({ model: "agent", input, conversation })
  },
  async see({ url, sessionId, runId }) {
    const output = (await readResponses(url, { sessionId, runId })).flatMap((response) => response.output)
    const calls = output.flatMap((item) => (item.type === "mcp_call" ? item : []))
    return {
      text: output
        .flatMap((item) => (item.type === "message" ? item.content : []))
        .map((part) => (part.type === "output_text" ? part.text : ""))
        .join(""),
      calls: calls.map(({ name, arguments: input, output: result }) => {
        return [name, JSON.parse(input), JSON.parse(result ?? "null")] as const
      }),
      asks: output.flatMap((item) => {
        if (item.type !== "mcp_approval_request") return []
        const isAnswered = calls.some((call) => call.approval_request_id === item.id)
        return isAnswered ? [] : [[item.name, JSON.parse(item.arguments)] as const]
      }),
    }
  },
  watch({ url, sessionId, runId }) {
    const id = formatResponseId({ sessionId, runId, segment: null, isStored: true })
    return collect(async (onText) => {
      for await (const event of await openClient(url).responses.retrieve(id, { stream: true }))
        if (event.type === "response.output_text.delta") onText(event.delta)
    })
  },
  async allow({ url, sessionId, runId }) {
    const id = formatResponseId({ sessionId, runId, segment: null, isStored: true })
    const client = openClient(url)
    const { output } = await client.responses.retrieve(id)
    const input = output.flatMap((item) =>
      item.type === "mcp_approval_request"
        ? [{ type: "mcp_approval_response" as const, approval_request_id: item.id, approve: true }]
        : [],
    )
    const { id: next } = await client.responses.create({ model: "agent", previous_response_id: id, input })
    continued.set(runId, next)
  },
}

/** Responses that answers over this protocol have started, by their runs. */
const continued = new Map<string, string>()

async function readResponses(url: string, place: Pick<Place, "sessionId" | "runId">) {
  const first = formatResponseId({ ...place, segment: null, isStored: true })
  const ids = [first, continued.get(place.runId) ?? []].flat()
  return Promise.all(ids.map((id) => openClient(url).responses.retrieve(id)))
}

function openClient(url: string): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: key, defaultHeaders: { "x-user-id": "ada" } })
}

export const protocols = { native, aiSdk, agUi, openAi } as const
