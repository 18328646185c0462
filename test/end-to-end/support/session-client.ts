import type { ChatRequest } from "../../../src/wires/native/schemas/chat.ts"
import type { HistoryResponse } from "../../../src/wires/native/schemas/history.ts"
import { type EventStream, eventStream } from "./event-stream.ts"

/** One session over HTTP, as any client would use it. */
export interface SessionClient {
  readonly id: string
  readonly token: string
  /** The same session through another server. */
  at(url: string): SessionClient
  /** Sends any request with the session's token. Does not check the response. */
  request(path: string, init?: RequestInit): Promise<Response>
  /** Sends any POST with JSON. A string is sent unchanged. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>
  /** Sends a message; a string is its text. Rejects if the gateway does not accept it. */
  chat(body: string | ChatRequest, headers?: Readonly<Record<string, string>>): Promise<EventStream>
  /** Subscribes. Rejects if there is nothing to follow. */
  subscribe(from?: { readonly afterSeq?: number; readonly lastEventId?: number }): Promise<EventStream>
  /** Cancels the open run. Resolves to its id. */
  cancel(): Promise<string>
  history(): Promise<HistoryResponse>
}

/** Creates a session. Rejects if the gateway refuses that. */
export async function startSession(url: string, apiKey = "test-key"): Promise<SessionClient> {
  const response = await fetch(`${url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: apiKey }),
  })
  const body = await successful(response).then((accepted) => accepted.json())
  const { session_id: id, session_token: token } = body as { session_id: string; session_token: string }
  return sessionClient(url, { id, token })
}

function sessionClient(url: string, session: { readonly id: string; readonly token: string }): SessionClient {
  const request = (path: string, { headers, ...init }: RequestInit = {}) =>
    fetch(`${url}/api${path}`, {
      ...init,
      headers: { authorization: `Bearer ${session.token}`, ...(headers as Record<string, string>) },
    })
  const post: SessionClient["post"] = (path, body, headers = {}) =>
    request(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    })
  return {
    ...session,
    at: (other) => sessionClient(other, session),
    request,
    post,
    async chat(body, headers) {
      const said = typeof body === "string" ? { message: body } : body
      return eventStream(await successful(await post("/chat", said, headers)))
    },
    async subscribe({ afterSeq, lastEventId } = {}) {
      const query = afterSeq === undefined ? "" : `?after_seq=${afterSeq}`
      const headers: Record<string, string> =
        lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }
      return eventStream(await successful(await request(`/chat/subscribe${query}`, { headers })))
    },
    async cancel() {
      const body = await successful(await post("/chat/cancel", {})).then((response) => response.json())
      return (body as { run_id: string }).run_id
    },
    async history() {
      const response = await successful(await request("/chat/history"))
      return (await response.json()) as HistoryResponse
    },
  }
}

async function successful(response: Response): Promise<Response> {
  if (response.status === 200) return response
  throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`)
}
