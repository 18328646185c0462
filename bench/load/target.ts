import type { Script } from "../script.ts"
import { scriptText } from "../script.ts"

/**
 * A server that sends streams: the gateway, the hand-written server (`limit`), the upstream without any of them, or
 * another product (`peer`).
 */
export interface Target {
  readonly type: "gateway" | "limit" | "upstream" | "peer"
  /** Address of the server. For a peer, it includes the path that accepts messages. */
  readonly url: string
}

export interface StreamRequest {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Prepares a measurement before its time starts. For the gateway, creates one session for each stream. */
export async function openSessions(target: Target, count: number): Promise<readonly string[]> {
  if (target.type !== "gateway") return Array.from({ length: count }, () => "")
  const tokens: string[] = []
  while (tokens.length < count) {
    const batch = Array.from({ length: Math.min(20, count - tokens.length) }, () => openSession(target.url))
    tokens.push(...(await Promise.all(batch)))
  }
  return tokens
}

async function openSession(url: string): Promise<string> {
  const answer = await fetch(`${url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: "bench" }),
  })
  if (!answer.ok) throw new Error(`POST /chat/init: ${answer.status} ${await answer.text()}`)
  const { session_token: token } = (await answer.json()) as { readonly session_token: string }
  return token
}

export function streamRequest({ type }: Target, token: string, script: Script): StreamRequest {
  const text = scriptText(script)
  const json = { "content-type": "application/json" }
  switch (type) {
    case "gateway":
      return {
        path: "/api/chat",
        body: JSON.stringify({ message: text }),
        headers: { ...json, ...authorization(token) },
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
