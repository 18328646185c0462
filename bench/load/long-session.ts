import { type Agent, request as openRequest } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import { scriptText, tokenText } from "../script.ts"
import { authorization } from "./target.ts"

/** Milliseconds of one client's actions in a session. */
export interface LongSession {
  /** Time from the message to the first text of the response. */
  readonly firstTextMs: number
  /** Time from the approval of a tool call to its result. */
  readonly approvalToResultMs: number
  /** Time from the request to the end of the first page of the history. */
  readonly firstPageMs: number
  readonly wholeHistoryMs: number
}

export interface OpenedSession {
  readonly sessionId: string
  readonly token: string
}

export async function openLongSession(url: string): Promise<OpenedSession> {
  const answer = await fetch(`${url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: "bench" }),
  })
  if (!answer.ok) throw new Error(`POST /chat/init: ${answer.status} ${await answer.text()}`)
  const opened = (await answer.json()) as { readonly session_id: string; readonly session_token: string }
  return { sessionId: opened.session_id, token: opened.session_token }
}

/** Milliseconds in which the gateway releases a session and finishes its background work. */
const restMs = 40

export async function useLongSession(url: string, token: string, agent: Agent): Promise<LongSession> {
  const to = { url, token, agent }
  const script = { tokens: 1, perWrite: 1, pauseMs: 0, hold: false }
  const said = await stream(to, { message: scriptText(script) }, tokenText(0))
  await said.ended
  await delay(restMs)
  const firstPage = await timed(() => read(to, "/api/chat/history?limit=25"))
  const history = await timed(() => read(to, "/api/chat/history"))
  await delay(restMs)
  const asked = await stream(
    to,
    { message: scriptText({ ...script, callsTool: true }) },
    "tool_approval_request",
  )
  await delay(restMs)
  const { tool_call_id, nonce } = requestIn(asked.text())
  const approvedAt = performance.now()
  const result = asked.until("tool_call_complete")
  await read(to, "/api/chat/tool-approval", { tool_call_id, nonce, approved: true })
  await result
  const approvalToResultMs = performance.now() - approvedAt
  await asked.ended
  await delay(restMs)
  return { firstTextMs: said.ms, approvalToResultMs, firstPageMs: firstPage, wholeHistoryMs: history }
}

interface To {
  readonly url: string
  readonly token: string
  readonly agent: Agent
}

interface OpenStream {
  /** Milliseconds until the mark arrived. */
  readonly ms: number
  readonly ended: Promise<void>
  text(): string
  until(mark: string): Promise<void>
}

function stream({ url, token, agent }: To, body: object, mark: string): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    let text = ""
    let wanted: { readonly mark: string; readonly found: () => void } | null = null
    const ended = Promise.withResolvers<void>()
    const look = () => {
      if (wanted === null || !text.includes(wanted.mark)) return
      const { found } = wanted
      wanted = null
      found()
    }
    const until = (next: string) => {
      const { promise, resolve: found } = Promise.withResolvers<void>()
      wanted = { mark: next, found }
      look()
      return promise
    }
    void until(mark).then(() =>
      resolve({ ms: performance.now() - begun, ended: ended.promise, text: () => text, until }),
    )
    const request = openRequest(`${url}/api/chat`, { agent, method: "POST", headers: jsonHeaders(token) })
    request.on("error", reject)
    request.on("response", (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`POST /chat answered ${answer.statusCode}.`))
      answer.setEncoding("utf8")
      answer.on("data", (chunk: string) => {
        text += chunk
        look()
      })
      answer.on("end", () => {
        ended.resolve()
        if (wanted !== null) reject(new Error(`A stream ended without ${wanted.mark}: ${text.slice(-500)}`))
      })
    })
    request.end(JSON.stringify(body))
  })
}

function read({ url, token, agent }: To, path: string, body?: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST"
    const request = openRequest(url + path, { agent, method, headers: jsonHeaders(token) })
    request.on("error", reject)
    request.on("response", (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path} answered ${answer.statusCode}.`))
      let bytes = 0
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.on("end", () => resolve(bytes))
    })
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

function jsonHeaders(token: string): Readonly<Record<string, string>> {
  return { "content-type": "application/json", ...authorization(token) }
}

function requestIn(text: string): { readonly tool_call_id: string; readonly nonce: string } {
  const line = text
    .split("\n")
    .find((each) => each.includes("tool_approval_request") && each.startsWith("data:"))
  if (line === undefined) throw new Error("The stream has no request for an approval.")
  return JSON.parse(line.slice("data:".length))
}
