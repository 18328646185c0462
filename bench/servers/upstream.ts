import { createServer, type ServerResponse } from "node:http"
import { serveParent } from "../parent.ts"
import { findScript, type Script, tokenText } from "../script.ts"
import { listenOnLoopback } from "./listen-on-loopback.ts"

/**
 * A model service in the format of the Anthropic Messages API. It does as little as it can for each token, so that it
 * is never what the measured server waits for: all events are rendered beforehand.
 */
const longestStream = 1_000
const opening = [
  event({
    type: "message_start",
    message: {
      id: "msg_bench",
      type: "message",
      role: "assistant",
      model: "claude-bench",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1 },
    },
  }),
  event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
].join("")
const tokens = Array.from({ length: longestStream }, (_, index) =>
  event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: tokenText(index) } }),
)
const ending = [
  event({ type: "content_block_stop", index: 0 }),
  event({
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 200 },
  }),
  event({ type: "message_stop" }),
].join("")

const server = createServer((request, response) => {
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => {
    body += chunk
  })
  request.on("end", () => play(findScript(body), response))
})
const { url, close } = await listenOnLoopback(server)
serveParent(url, { close })

/** The first token goes out with the headers, at once. */
function play({ tokens: count, perWrite, pauseMs, hold }: Script, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" })
  response.write(opening + tokens.slice(0, Math.min(perWrite, count)).join(""))
  let sent = perWrite
  const next = () => {
    if (response.destroyed) return
    if (sent >= count) {
      if (!hold) response.end(ending)
      return
    }
    const taken = response.write(tokens.slice(sent, Math.min(sent + perWrite, count)).join(""))
    sent += perWrite
    if (taken) later()
    else response.once("drain", later)
  }
  const later = () => {
    if (pauseMs > 0) setTimeout(next, pauseMs)
    else setImmediate(next)
  }
  later()
}

function event(data: { readonly type: string; readonly [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}
