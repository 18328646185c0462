// A terminal client that shows the agent's work and answers its questions. Start it with the server's address:
// node examples/06-tool-approval/client.ts http://127.0.0.1:8000
import { createInterface } from "node:readline/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { EventSourceParserStream } from "eventsource-parser/stream"

const address = process.argv[2] ?? "http://127.0.0.1:8000"
const terminal = createInterface({ input: process.stdin, output: process.stdout })
const lines = terminal[Symbol.asyncIterator]()

async function ask(question: string): Promise<string> {
  process.stdout.write(question)
  const line = await lines.next()
  if (line.done) process.exit(0)
  return line.value.trim()
}

async function post(path: string, body: object, token?: string): Promise<Response> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const headers = { "content-type": "application/json", ...authorization }
  const response = await fetch(`${address}/api${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(((await response.json()) as { detail: string }).detail)
  return response
}

const { API_KEY = "terminal" } = process.env
const { session_token: token } = (await (await post("/chat/init", { api_key: API_KEY })).json()) as {
  session_token: string
}

/** The last received event id. Later events can be requested again at any time. */
let cursor = "0"

for (;;) {
  const message = await ask("\n> ")
  if (message !== "") await follow(await post("/chat", { message }, token))
}

/**
 * Shows a run to its end. If the stream breaks off, for example because the server restarts, continues where it
 * ended.
 */
async function follow(stream: Response): Promise<void> {
  for (let response: Response | null = stream; response?.body; response = await resume()) {
    const events = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream())
    try {
      for await (const { id = cursor, data } of events) {
        const event = JSON.parse(data) as ChatEvent
        await show(event)
        cursor = id
        if (event.type === "stream_complete" || event.type === "error") return
      }
    } catch (error) {
      console.log(`\n[${String(error)}]`)
    }
  }
}

/** Returns the stream after the last event id, or null if there are no further events. */
async function resume(): Promise<Response | null> {
  const headers = { authorization: `Bearer ${token}` }
  for (;;) {
    await sleep(1_000)
    try {
      const response = await fetch(`${address}/api/chat/subscribe?after_seq=${cursor}`, { headers })
      if (response.status === 200) return response
      const mayPass = response.status === 429 || response.status >= 500
      if (!mayPass) return null
    } catch {
      // The server is not back yet.
    }
  }
}

interface ChatEvent {
  readonly type: string
  readonly text: string
  readonly error: { readonly message: string } | string | null
  readonly result: unknown
  readonly nonce?: string
  readonly tool_call_id: string
  readonly tool_name: string
  readonly tool_input: unknown
  readonly resolved_qualifier: string | null
}

async function show(event: ChatEvent): Promise<void> {
  switch (event.type) {
    case "text_delta":
      process.stdout.write(event.text)
      return
    case "tool_call_start":
      // The call of a client tool is announced twice: when the model requests it, and with a nonce when this client
      // must execute it.
      if (event.nonce !== undefined) return executeHere(event)
      console.log(`\n[${event.tool_name} ${JSON.stringify(event.tool_input)}]`)
      return
    case "tool_approval_request":
      return decide(event)
    case "tool_call_complete":
      console.log(`[${event.tool_name}: ${JSON.stringify(event.error ?? event.result)}]`)
      return
    case "error":
      console.log(`\n${JSON.stringify(event.error)}`)
  }
}

async function decide(event: ChatEvent): Promise<void> {
  const { tool_call_id, nonce, tool_name, resolved_qualifier } = event
  const type = resolved_qualifier === null ? tool_name : `${tool_name} ${resolved_qualifier}`
  const answer = await ask(`Allow ${type}? [y]es, [n]o, [a]lways, or other arguments as JSON: `)
  const decision = { tool_call_id, nonce, approved: answer !== "n" && answer !== "" }
  const isEdit = answer.startsWith("{")
  try {
    const edited = isEdit ? { tool_input: JSON.parse(answer) } : {}
    await post("/chat/tool-approval", { ...decision, ...edited, allow_tool_type: answer === "a" }, token)
  } catch (error) {
    console.log(String(error))
    // After invalid arguments or a lost connection, the approval is still pending. Otherwise another client has
    // answered, or the approval has expired.
    if (isEdit || error instanceof TypeError) return decide(event)
  }
}

async function executeHere({ tool_call_id, nonce, tool_input }: ChatEvent): Promise<void> {
  const { question } = tool_input as { question: string }
  const code = await ask(`${question} `)
  await post("/chat/tool-result", { tool_call_id, nonce, result: { code }, error: null }, token)
}
