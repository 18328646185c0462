import { once } from "node:events"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as delay } from "node:timers/promises"

/** The server's response to one request. */
export interface UpstreamReply {
  /** Default 200. */
  readonly status?: number
  /** Default: those of an event stream. */
  readonly headers?: Readonly<Record<string, string>>
  readonly steps: readonly UpstreamStep[]
  /** Milliseconds before each chunk except the first. Default 0: chunks are sent as fast as they are read. */
  readonly delayMs?: number
}

export type UpstreamStep =
  /** A chunk, sent unchanged. */
  | string
  | Uint8Array
  /** Pauses until the promise settles. The headers have been sent by then. */
  | { readonly type: "wait"; readonly until: PromiseLike<unknown> }
  /** Breaks the connection. */
  | { readonly type: "cut" }

export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The client's port, which is the same for requests over one connection. */
  readonly remotePort: number
  /** The JSON of the body, or its text if it is not JSON. */
  readonly body: unknown
  /** Resolves to the end of the exchange. */
  readonly outcome: Promise<"answered" | "cut" | "disconnected">
}

export interface ScriptedUpstream {
  /** URL without a path and without a trailing slash. */
  readonly url: string
  /** All requests so far, oldest first. */
  readonly requests: readonly UpstreamRequest[]
  /** Breaks all open connections. */
  close(): Promise<void>
}

/**
 * Starts a real HTTP server on a free loopback port that plays a script for any path: one reply for each request, or,
 * if the script is a function, its result for every request. After the script's last reply it responds with 500.
 */
export async function startScriptedUpstream(
  script: readonly UpstreamReply[] | ((request: UpstreamRequest) => UpstreamReply),
): Promise<ScriptedUpstream> {
  const requests: UpstreamRequest[] = []
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { "content-type": "text/plain" }).end(String(error))
    })
  })
  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const outcome = Promise.withResolvers<"answered" | "cut" | "disconnected">()
    const closed = new AbortController()
    response.on("close", () => {
      closed.abort()
      outcome.resolve(response.writableFinished ? "answered" : "disconnected")
    })
    const { method = "", url: path = "", headers } = incoming
    const { remotePort = 0 } = incoming.socket
    const body = await readBody(incoming)
    const request = { method, path, headers, remotePort, body, outcome: outcome.promise }
    requests.push(request)
    const reply = typeof script === "function" ? script(request) : script[requests.length - 1]
    if (reply === undefined) throw new Error(`The script has no reply to request ${requests.length}.`)
    const cut = await play(reply, response, closed.signal)
    if (!cut) {
      response.end()
      return
    }
    outcome.resolve("cut")
    // The connection is destroyed after the written data was sent.
    response.socket?.destroySoon()
  }
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const eventStream = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" }

/** Plays a reply. Resolves to true if the script cuts the connection. */
async function play(reply: UpstreamReply, response: ServerResponse, closed: AbortSignal): Promise<boolean> {
  const { status = 200, headers = eventStream, steps, delayMs = 0 } = reply
  response.writeHead(status, headers)
  response.flushHeaders()
  let written = 0
  for (const step of steps) {
    if (closed.aborted) return false
    if (typeof step === "string" || step instanceof Uint8Array) {
      if (delayMs > 0 && written++ > 0) await delay(delayMs)
      if (!closed.aborted && !response.write(step))
        await eitherOf(once(response, "drain", { signal: closed }), closed)
    } else if (step.type === "wait") {
      await eitherOf(step.until, closed)
    } else {
      return true
    }
  }
  return false
}

/** Resolves when the promise settles or the signal aborts. */
async function eitherOf(promise: PromiseLike<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = () => aborted.resolve()
  signal.addEventListener("abort", onAbort)
  try {
    if (!signal.aborted) await Promise.race([promise, aborted.promise])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener("abort", onAbort)
  }
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const text = Buffer.concat(await incoming.toArray()).toString()
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}
