import { spawn } from "node:child_process"
import { once } from "node:events"
import { EventSource } from "eventsource"
import { connect } from "../../../src/client/index.ts"
import { createConversation } from "../../../src/client/view/index.ts"
import type { ChatEvent } from "../../../src/wires/native/schemas/events.ts"
import { eventually } from "./eventually.ts"
import type { SessionClient } from "./session-client.ts"

/** A client that shows an answer while it is streamed. */
export interface Viewer {
  /** The text that it has shown. */
  readonly shown: () => string
  /**
   * Resolves when the client takes the answer for whole, or has reported that it is not. Resolves to `interrupted` in
   * the second case.
   */
  readonly end: Promise<"whole" | "interrupted">
}

/** Starts a client that follows the open run of a session. */
export type StartViewer = (session: SessionClient, url: string) => Viewer

/** The kinds of clients, by name. The first two do not reconnect. */
export const viewers: Readonly<Record<string, StartViewer>> = {
  fetch(session) {
    let shown = ""
    const read = async () => {
      const response = await session.request("/chat/subscribe?after_seq=0")
      const decoder = new TextDecoder()
      for await (const bytes of response.body ?? []) shown += decoder.decode(bytes, { stream: true })
      return "whole" as const
    }
    return { shown: () => shown, end: read().catch(() => "interrupted" as const) }
  },

  curl(session, url) {
    const headers = ["-H", `authorization: Bearer ${session.token}`]
    const child = spawn("curl", ["-sN", ...headers, `${url}/api/chat/subscribe?after_seq=0`])
    let shown = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text
    })
    return {
      shown: () => shown,
      end: once(child, "close").then(([code]) => (code === 0 ? "whole" : "interrupted")),
    }
  },

  EventSource(session, url) {
    const end = Promise.withResolvers<"whole">()
    let shown = ""
    const source = new EventSource(`${url}/api/chat/subscribe?after_seq=0`, {
      fetch: (input, init) => {
        return fetch(input, {
          ...init,
          headers: { ...init.headers, authorization: `Bearer ${session.token}` },
        })
      },
    })
    source.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data) as ChatEvent
      if (event.type === "text_delta") shown += event.text
      if (event.type === "stream_retry") shown = ""
      if (event.type !== "stream_complete") return
      source.close()
      end.resolve("whole")
    })
    return { shown: () => shown, end: end.promise }
  },

  client(session, url) {
    let shown = ""
    const chat = connect({
      url: `${url}/api`,
      token: () => session.token,
      sessionId: session.id,
      retryDelayMs: 50,
    })
    const read = async () => {
      for await (const event of chat.subscribe({ after: 0 })) {
        if (event.type === "text_delta") shown += event.text
        if (event.type === "stream_retry") shown = ""
      }
      return "whole" as const
    }
    return { shown: () => shown, end: read() }
  },

  /** The state behind the React hook. */
  hook(session, url) {
    const options = { url: `${url}/api`, token: () => session.token, sessionId: session.id, retryDelayMs: 50 }
    const conversation = createConversation(options)
    const stop = conversation.start()
    const shown = () => JSON.stringify(conversation.getState().messages)
    let hasRun = false
    const end = eventually("the end of the run in the conversation", () => {
      const { status } = conversation.getState()
      hasRun ||= status === "running"
      if (!hasRun || status !== "ready") return null
      stop()
      return "whole" as const
    })
    return { shown, end }
  },
}

/** Clients that do not reconnect by themselves, so they must report that the answer is not whole. */
export const oneShot: readonly string[] = ["fetch", "curl"]
