import { setTimeout as delay } from "node:timers/promises"
import { type Chat, connect, type SentEvent } from "../../../src/client/index.ts"

/** Number of turns after which a client opens a new session. */
const turnsPerSession = 25

/** Number of the clients' actions by kind. */
export type Counts = Record<string, number>

/** Closes each connection after its response. The gateway keeps idle ones for longer than a sample may wait. */
const fetchAndClose: typeof fetch = (input, { headers, ...init } = {}) => {
  return fetch(input, { ...init, headers: { ...(headers as Record<string, string>), connection: "close" } })
}

const kinds = ["talk", "tool", "approval", "viewer that leaves", "second viewer", "cancel"] as const

/**
 * Runs one turn of each kind in a loop until the signal aborts. Creates a new session from time to time.
 * Each client starts with another kind, so that even a slow machine runs all of them.
 */
export async function talk(url: string, client: number, counts: Counts, signal: AbortSignal): Promise<void> {
  for (let turn = client; !signal.aborted; ) {
    const chat = connect({ url, apiKey: "soak", fetch: fetchAndClose })
    for (let used = 0; used < turnsPerSession && !signal.aborted; used++, turn++) {
      const kind = kinds[turn % kinds.length] ?? "talk"
      await turnOf[kind](chat, { url })
      counts[kind] = (counts[kind] ?? 0) + 1
      await delay(20)
    }
  }
}

interface Gateway {
  readonly url: string
}

const turnOf: Readonly<Record<(typeof kinds)[number], (chat: Chat, gateway: Gateway) => Promise<void>>> = {
  async talk(chat) {
    await toEnd(chat, "talk")
  },
  async tool(chat) {
    await toEnd(chat, "look_up")
    await chat.history()
  },
  async approval(chat) {
    await toEnd(chat, "erase")
  },
  async "viewer that leaves"(chat) {
    for await (const event of chat.send("talk")) if (event.type === "text_delta") break
    await finish(chat)
  },
  async "second viewer"(chat, { url }) {
    const run = toEnd(chat, "talk")
    const sessionId = await idOf(chat)
    const other = connect({ url, apiKey: "soak", sessionId, fetch: fetchAndClose })
    let seen = 0
    for await (const _event of other.subscribe()) if (++seen === 10) break
    await run
  },
  async cancel(chat) {
    const seen: SentEvent[] = []
    for await (const event of chat.send("talk")) {
      seen.push(event)
      if (seen.length === 1) await chat.cancel()
    }
  },
}

/** Sends the message and follows its run to the end. Allows all its calls. */
async function toEnd(chat: Chat, message: string): Promise<void> {
  let last: SentEvent | null = null
  for await (const event of chat.send(message)) {
    last = event
    if (event.type === "tool_approval_request") await chat.approve(event, { approved: true })
  }
  if (last?.type !== "stream_complete") throw new Error(`A run ended with ${JSON.stringify(last)}.`)
}

/** Waits until no run is open. */
async function finish(chat: Chat): Promise<void> {
  for await (const _event of chat.subscribe()) {
    // Only the end of the stream matters.
  }
}

async function idOf(chat: Chat): Promise<string> {
  while (chat.sessionId === null) await delay(5)
  return chat.sessionId
}
