import { EventSourceParserStream } from "eventsource-parser/stream"

interface StreamEvent {
  readonly type: string
  readonly text?: string
  readonly tool_call_id?: string
  readonly nonce?: string
}

interface Message {
  readonly role: "user" | "assistant"
  readonly content: string
}

/** Sends messages to either gateway, each with the whole conversation, and allows every tool call that asks for it. */
export async function converse(url: string, texts: readonly string[]): Promise<void> {
  const { session_token: token } = await post(url, "/init", { api_key: "key" }).then(
    (response) => response.json() as Promise<{ readonly session_token: string }>,
  )
  const messages: Message[] = []
  for (const text of texts) {
    messages.push({ role: "user", content: text })
    const response = await post(url, "", { messages, context: {} }, token)
    messages.push({ role: "assistant", content: await readResponse(url, token, response) })
  }
}

/** Reads a stream to its end. Resolves to its text. */
async function readResponse(url: string, token: string, response: Response): Promise<string> {
  let text = ""
  const events = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
  for await (const { data } of events ?? []) {
    const event: StreamEvent = JSON.parse(data)
    if (event.type === "error") throw new Error(`The stream has an error: ${data}`)
    if (event.type === "text_delta") text += event.text
    if (event.type !== "tool_approval_request") continue
    const { tool_call_id, nonce } = event
    await post(url, "/tool-approval", { tool_call_id, nonce, approved: true }, token)
  }
  return text
}

async function post(url: string, path: string, body: object, token?: string): Promise<Response> {
  const response = await fetch(`${url}/api/chat${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`POST /chat${path}: ${response.status} ${await response.text()}`)
  return response
}
