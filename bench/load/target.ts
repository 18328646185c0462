import type { Script } from "../script.ts"
import { scriptText } from "../script.ts"
import { benchKey, type WireName, type WireRequest, wireRequests } from "./wire-requests.ts"

/**
 * A server that sends streams: the gateway, the hand-written server (`limit`), the upstream without any of them, or
 * another product (`peer`).
 */
export interface Target {
  readonly type: "gateway" | "limit" | "upstream" | "peer"
  /** Address of the server. For a peer, it includes the path that accepts messages. */
  readonly url: string
  /** The protocol in which the gateway is asked. Default: its own. */
  readonly wire?: WireName
}

/** A session of the gateway. Other servers have none. */
export interface OpenedSession {
  readonly token: string
  readonly id: string
}

export const noSession: OpenedSession = { token: "", id: "" }

export interface StreamRequest {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Prepares a measurement before its time starts. For the gateway, creates one session for each stream. */
export async function openSessions(target: Target, count: number): Promise<readonly OpenedSession[]> {
  if (target.type !== "gateway") return Array.from({ length: count }, () => noSession)
  const sessions: OpenedSession[] = []
  while (sessions.length < count) {
    const batch = Array.from({ length: Math.min(20, count - sessions.length) }, () => openSession(target.url))
    sessions.push(...(await Promise.all(batch)))
  }
  return sessions
}

async function openSession(url: string): Promise<OpenedSession> {
  const answer = await fetch(`${url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: benchKey }),
  })
  if (!answer.ok) throw new Error(`POST /chat/init: ${answer.status} ${await answer.text()}`)
  const { session_token: token, session_id: id } = (await answer.json()) as Record<string, string>
  if (token === undefined || id === undefined) throw new Error("POST /chat/init responded without a session.")
  return { token, id }
}

export function streamRequest(
  { type, wire = "native" }: Target,
  session: OpenedSession,
  script: Script,
): StreamRequest {
  const text = scriptText(script)
  const json = { "content-type": "application/json" }
  switch (type) {
    case "gateway": {
      const { path, body, token = session.token }: ReturnType<WireRequest> = wireRequests[wire](session, text)
      return { path, body: JSON.stringify(body), headers: { ...json, ...authorization(token) } }
    }
    case "limit":
      return { path: "/", body: JSON.stringify({ message: text }), headers: json }
    case "upstream":
      return {
        path: "/v1/messages",
        body: JSON.stringify({ messages: [{ role: "user", content: text }] }),
        headers: json,
      }
    case "peer":
      return {
        path: "",
        body: JSON.stringify({ messages: [{ role: "user", content: text }] }),
        headers: json,
      }
    default:
      return type satisfies never
  }
}

export function authorization(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}
