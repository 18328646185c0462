import { setTimeout as delay } from "node:timers/promises"
import type { FetchLike } from "@modelcontextprotocol/client"
import { GatewayError } from "../../../core/errors.ts"
import { createPace } from "../notification-rate.ts"

/** Maximum bytes of one message, as over standard output. */
const longestMessage = 32 * 1024 * 1024

export interface ServerFetch {
  /** Fetches. Ends a response that contains a message longer than 32 MiB. */
  readonly fetch: FetchLike
  /** Returns the access token of the request that led to this response. */
  tokenOf(response: Response): string | undefined
}

/** Creates the fetch for one connection to a server. */
export function createServerFetch(): ServerFetch {
  const tokens = new WeakMap<Response, string>()
  return {
    async fetch(url, init) {
      const response = limitBody(await fetch(url, init), longestMessage)
      const token = /^Bearer (.+)$/.exec(new Headers(init?.headers).get("authorization") ?? "")?.[1]
      if (token !== undefined) tokens.set(response, token)
      return response
    },
    tokenOf: (response) => tokens.get(response),
  }
}

/**
 * Ends a body that is longer than this. For a stream of events, the limit applies to each event. Paces streams of
 * events.
 */
export function limitBody(response: Response, longest: number): Response {
  const { body, status, statusText, headers } = response
  if (body === null) return response
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true
  const readEvents = isStream ? createEventReader() : () => ({ end: -1, events: 0 })
  const pace = createPace()
  let bytes = 0
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    async transform(chunk, controller) {
      const { end, events } = readEvents(chunk)
      bytes = end === -1 ? bytes + chunk.length : chunk.length - end
      if (bytes > longest) return controller.error(createTooLong(longest))
      controller.enqueue(chunk)
      const ms = pace.spend(events)
      if (ms > 0) await delay(ms, undefined, { ref: false })
    },
  })
  return new Response(body.pipeThrough(counter), { status, statusText, headers })
}

interface EventsInChunk {
  /** Offset of the end of the last event that ends in the chunk; -1 if none ends there. */
  readonly end: number
  /** Number of events that end in the chunk. */
  readonly events: number
}

/** Creates a function that finds the ends of events in a stream's chunks. An event ends with an empty line. */
function createEventReader(): (chunk: Uint8Array) => EventsInChunk {
  let before = ""
  return (chunk) => {
    // Each byte becomes one character, so that offsets are the same in both.
    const text = before + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1")
    const end = Math.max(...["\n\n", "\n\r\n", "\r\r"].map((emptyLine) => text.lastIndexOf(emptyLine)))
    const events = text.match(/\n\r?\n|\r\r/g)?.length ?? 0
    const offset = before.length
    before = text.slice(-2)
    return { end: end === -1 ? -1 : Math.max(end - offset, 0), events }
  }
}

function createTooLong(longest: number): GatewayError {
  const message = `The server sent more than ${longest} bytes at once, which is too much.`
  return new GatewayError({ code: "mcp_response_too_large", status: 502 }, message)
}
