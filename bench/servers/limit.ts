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
 * The limit of Node: a server written by hand for this measurement alone. It forwards the message, parses the
 * service's events and writes one frame with an id for each token, all frames of one read in one write. No sessions,
 * no store.
 */
const { upstream } = childSettings<{ readonly upstream: string }>()
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
  call.on("error", () => response.destroy())
  call.on("response", (answer) => emitFrames(answer, response))
  call.end(body)
}

function emitFrames(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, streamHeaders)
  let rest = ""
  let id = 0
  answer.setEncoding("utf8")
  answer.on("data", (chunk: string) => {
    rest += chunk
    let frames = ""
    let start = 0
    for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n", start)) {
      const data = rest.indexOf("data: ", start) + "data: ".length
      const frame = frameOf(JSON.parse(rest.slice(data, end)))
      if (frame !== null) frames += `id: ${++id}\ndata: ${frame}\n\n`
      start = end + 2
    }
    rest = rest.slice(start)
    if (frames !== "" && !response.write(frames)) {
      answer.pause()
      response.once("drain", () => answer.resume())
    }
  })
  answer.on("end", () => response.end())
  answer.on("error", () => response.destroy())
}

interface UpstreamEvent {
  readonly type: string
  readonly delta?: { readonly text?: string }
}

function frameOf({ type, delta }: UpstreamEvent): string | null {
  if (type === "content_block_delta") return JSON.stringify({ type: "text_delta", text: delta?.text })
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
