import {
  Agent,
  createServer,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from "node:http"
import { childSettings, serveParent } from "../parent.ts"
import { listenOnLoopback } from "./listen-on-loopback.ts"

/**
 * A server that is written by hand for this measurement, as the limit of what Node can do. It forwards the message,
 * parses the provider's events, and writes one frame with an id for each token. All frames of one read are one write.
 * It has no sessions and no store. With `coalesces`, the texts that arrive in one turn of the event loop share a frame,
 * as they do in the gateway.
 */
const { upstream, coalesces = false } = childSettings<{
  readonly upstream: string
  readonly coalesces?: boolean
}>()
const agent = new Agent({ keepAlive: true })
const streamHeaders = { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" }

const server = createServer((request, response) => {
  if (request.method === "GET") holdOpen(response)
  else readText(request, (body) => forward(JSON.parse(body).message, response))
})
const { url, close } = await listenOnLoopback(server)
serveParent(url, { close })

function forward(message: string, response: ServerResponse): void {
  const body = JSON.stringify({
    model: "claude-bench",
    max_tokens: 16_000,
    messages: [{ role: "user", content: message }],
    stream: true,
  })
  const call = openRequest(`${upstream}/v1/messages`, {
    agent,
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "x-api-key": "bench",
    },
  })
  call.on("error", (error: NodeJS.ErrnoException) => {
    // The upstream closed the idle connection at that moment and has not seen the request.
    if (call.reusedSocket && error.code === "ECONNRESET" && !response.headersSent) forward(message, response)
    else response.destroy()
  })
  call.on("response", (answer) => emitFrames(answer, response))
  call.end(body)
}

function emitFrames(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, streamHeaders)
  let rest = ""
  let id = 0
  answer.setEncoding("utf8")
  const flush = () => {
    isScheduled = false
    let frames = ""
    let text = ""
    let start = 0
    for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n", start)) {
      const data = rest.indexOf("data: ", start) + "data: ".length
      const event: UpstreamEvent = JSON.parse(rest.slice(data, end))
      if (coalesces && event.type === "content_block_delta") text += event.delta?.text
      else {
        if (text !== "") frames += written(++id, textFrame(text))
        text = ""
        const frame = frameOf(event)
        if (frame !== null) frames += written(++id, frame)
      }
      start = end + 2
    }
    if (text !== "") frames += written(++id, textFrame(text))
    rest = rest.slice(start)
    if (frames !== "" && !response.write(frames)) {
      answer.pause()
      response.once("drain", () => answer.resume())
    }
  }
  let isScheduled = false
  answer.on("data", (chunk: string) => {
    rest += chunk
    if (!coalesces) return flush()
    if (!isScheduled) setImmediate(flush)
    isScheduled = true
  })
  answer.on("end", () => {
    flush()
    response.end()
  })
  answer.on("error", () => response.destroy())
}

interface UpstreamEvent {
  readonly type: string
  readonly delta?: { readonly text?: string }
}

function written(id: number, frame: string): string {
  return `id: ${id}\ndata: ${frame}\n\n`
}

function textFrame(text: string | undefined): string {
  return JSON.stringify({ type: "text_delta", text })
}

function frameOf({ type, delta }: UpstreamEvent): string | null {
  if (type === "content_block_delta") return textFrame(delta?.text)
  if (type === "message_stop") return JSON.stringify({ type: "stream_complete" })
  return null
}

function holdOpen(response: ServerResponse): void {
  response.writeHead(200, streamHeaders)
  response.write(`id: 1\ndata: ${JSON.stringify({ type: "text_delta", text: "" })}\n\n`)
}

function readText(request: IncomingMessage, done: (text: string) => void): void {
  let text = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => {
    text += chunk
  })
  request.on("end", () => done(text))
}
