import { EventSource } from "eventsource"
import type { ChatEvent } from "../../../src/wires/native/schemas/events.ts"
import { type EventStream, eventStream, type Frame } from "./event-stream.ts"
import { eventually } from "./eventually.ts"
import type { SessionClient } from "./session-client.ts"

/**
 * A client whose connection breaks after every few events, and which reconnects with the last id that it received.
 */
export interface ChoppyOptions {
  readonly cutAfter: number
  /** Returns the session at the current server. */
  readonly current: () => SessionClient
  readonly onFrame?: (frame: Frame) => void
}

/**
 * Follows a session with `eventsource-parser`. Ends when the server responds with 204: there are no further events.
 */
export async function followByHand({ cutAfter, current, onFrame }: ChoppyOptions): Promise<readonly Frame[]> {
  const frames: Frame[] = []
  for (;;) {
    const stream = await reconnected(current, frames.findLast(({ id }) => id !== null)?.id ?? null)
    if (stream === null) return frames
    for (let count = 0; count < cutAfter; count++) {
      // The server may stop during the stream, which also breaks the connection.
      const frame = await stream.next().catch(nullIfBroken)
      if (frame === null) break
      frames.push(frame)
      onFrame?.(frame)
    }
    await stream.close().catch(nullIfBroken)
  }
}

/** Follows a session with the `eventsource` package, which reconnects by itself. */
export async function followByEventSource(options: ChoppyOptions): Promise<readonly Frame[]> {
  const { cutAfter, current, onFrame } = options
  const frames: Frame[] = []
  const source = new EventSource("http://gateway.invalid/chat/subscribe?after_seq=0", {
    async fetch(url, { headers, signal }) {
      const { pathname, search } = new URL(url)
      const response = await current().request(`${pathname}${search}`, { headers, signal })
      if (response.status !== 200 || response.body === null) return response
      // The package waits three seconds before it reconnects, unless the stream sets another time.
      const body = cutOff(response.body, { cutAfter, prefix: "retry: 10\n\n" })
      return new Response(body, { status: 200, headers: response.headers })
    },
  })
  source.onmessage = ({ data, lastEventId }) => {
    const event = JSON.parse(data as string) as ChatEvent
    if (event.type === "heartbeat") return
    const frame = { id: Number(lastEventId), event }
    frames.push(frame)
    onFrame?.(frame)
  }
  try {
    const isClosed = () => (source.readyState === source.CLOSED ? true : null)
    await eventually("the end of the events", isClosed)
  } finally {
    source.close()
  }
  return frames
}

/** Reconnects. Retries while there is no server. Resolves to null if there are no further events. */
async function reconnected(
  current: () => SessionClient,
  lastEventId: number | null,
): Promise<EventStream | null> {
  const headers: Record<string, string> = lastEventId === null ? {} : { "last-event-id": String(lastEventId) }
  const response = await eventually("a server", () =>
    current().request("/chat/subscribe", { headers }).catch(nullIfBroken),
  )
  if (response.status === 204) return null
  if (response.status !== 200) throw new Error(`The server answered ${response.status}.`)
  return eventStream(response)
}

/** Returns the same bytes, but ends after this many events. */
function cutOff(
  body: ReadableStream<Uint8Array>,
  { cutAfter, prefix }: { readonly cutAfter: number; readonly prefix: string },
): ReadableStream<Uint8Array> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  const encoder = new TextEncoder()
  let text = ""
  let left = cutAfter
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(prefix)),
    async pull(controller) {
      let events: string[] = []
      // A chunk may not complete an event, so further chunks are read.
      while (events.length === 0) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        events = (text + value).split(/(?<=\n\n)/)
        text = events.at(-1)?.endsWith("\n\n") ? "" : (events.pop() ?? "")
      }
      for (const event of events.slice(0, left)) controller.enqueue(encoder.encode(event))
      left -= events.length
      if (left > 0) return
      controller.close()
      await reader.cancel()
    },
    cancel: () => reader.cancel(),
  })
}

function nullIfBroken(error: unknown): null {
  // `fetch` throws a TypeError if a connection cannot be made or breaks.
  if (error instanceof TypeError) return null
  throw error
}
