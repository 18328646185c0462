import {
  AbstractChat,
  type ChatInit,
  type ChatState,
  type ChatStatus,
  DefaultChatTransport,
  type UIMessage,
  uiMessageChunkSchema,
} from "ai"

/** The messages of a chat in memory, in place of those of a page. */
class HeadlessState implements ChatState<UIMessage> {
  status: ChatStatus = "ready"
  error: Error | undefined = undefined
  messages: UIMessage[] = []
  pushMessage = (message: UIMessage) => void this.messages.push(message)
  popMessage = () => void this.messages.pop()
  replaceMessage = (index: number, message: UIMessage) => {
    this.messages[index] = message
  }
  snapshot = <Thing>(thing: Thing): Thing => structuredClone(thing)
}

/** The chat of `useChat` without a page. */
export class HeadlessChat extends AbstractChat<UIMessage> {
  constructor({ messages = [], ...init }: ChatInit<UIMessage>) {
    const state = new HeadlessState()
    state.messages.push(...messages)
    super({ ...init, state })
  }
}

export interface HeadlessOptions extends Omit<ChatInit<UIMessage>, "transport" | "messages"> {
  /** Address of the gateway with its prefix, such as `http://127.0.0.1:8000/api`. */
  readonly url: string
  readonly key: string
  readonly messages?: UIMessage[]
  readonly body?: object
  readonly fetch?: typeof fetch
}

/** A chunk as the gateway sent it. */
export interface Chunk {
  readonly type: string
  readonly [member: string]: unknown
}

/**
 * Creates the chat of `useChat` without a page. Each chunk of every response is checked with the schema of the
 * installed package, and collected.
 */
export function createChat({ url, key, messages = [], body, fetch: send = fetch, ...init }: HeadlessOptions) {
  const responses: Chunk[][] = []
  const invalid: unknown[] = []
  const observed: typeof fetch = async (input, options) => {
    const response = await send(input, options)
    if (response.body === null || !response.ok) return response
    const [read, shown] = response.body.tee()
    const chunks: Chunk[] = []
    responses.push(chunks)
    void collect(read, chunks, invalid)
    return new Response(shown, response)
  }
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${url}/ai-sdk/chat`,
    headers: { authorization: `Bearer ${key}` },
    fetch: observed,
    ...(body !== undefined && { body }),
  })
  const chat = new HeadlessChat({ ...init, messages, transport })
  return { chat, responses, invalid }
}

async function collect(body: ReadableStream<Uint8Array>, chunks: Chunk[], invalid: unknown[]): Promise<void> {
  let text = ""
  try {
    for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
      text += bytes
      const events = text.split("\n\n")
      text = events.pop() ?? ""
      for (const event of events) await check(event, chunks, invalid)
    }
  } catch {
    // The connection was cut, which the chat reports.
  }
}

async function check(event: string, chunks: Chunk[], invalid: unknown[]): Promise<void> {
  const chunk = parseChunk(event)
  if (chunk === null) return
  chunks.push(chunk)
  if (chunk.type === "[DONE]") return
  const checked = await uiMessageChunkSchema().validate?.(chunk)
  if (checked?.success !== true) invalid.push({ chunk, checked })
}

/** Returns the chunk of an event. Null for a comment. */
export function parseChunk(event: string): Chunk | null {
  if (event.startsWith(":")) return null
  const data = event.replace(/^data: /, "")
  return data === "[DONE]" ? { type: data } : (JSON.parse(data) as Chunk)
}

/** Returns the texts of a message, joined. */
export function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("")
}

/** Returns the parts of calls. */
export function callsOf(message: UIMessage | undefined) {
  return (message?.parts ?? []).filter((part) => part.type === "dynamic-tool")
}
