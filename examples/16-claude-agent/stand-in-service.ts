import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { setTimeout as delay } from "node:timers/promises"

interface Block {
  readonly type: string
  readonly text?: string
  readonly content?: string | readonly Block[]
}

interface MessagesRequest {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[]
}

/**
 * Simulates Anthropic's Messages API on a loopback port, so that the example runs without a key. For "order 3 kettle"
 * the model orders, and for "count" it counts. Resolves to the URL.
 */
export async function startStandIn(): Promise<string> {
  const server = createServer(async (request, response) => {
    if (request.method !== "POST" || !request.url?.startsWith("/v1/messages?")) {
      response.writeHead(404).end()
      return
    }
    const { model, messages }: MessagesRequest = JSON.parse(await text(request))
    await answer(response, model, messages)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  server.unref()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function answer(response: ServerResponse, model: string, messages: MessagesRequest["messages"]) {
  const { said, order } = plan(messages)
  response.writeHead(200, { "content-type": "text/event-stream" })
  const send = (event: { readonly type: string; readonly [key: string]: unknown }) =>
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  const usage = { input_tokens: 100, output_tokens: 1 }
  const message = {
    id: `msg_${crypto.randomUUID()}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    usage,
  }
  send({ type: "message_start", message })
  send({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } })
  for (const word of said.split(/(?<= )/)) {
    if (response.closed) return
    send({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: word } })
    await delay(20)
  }
  send({ type: "content_block_stop", index: 0 })
  if (order !== null) {
    const call = {
      type: "tool_use",
      id: `toolu_${crypto.randomUUID()}`,
      name: "mcp__gateway__place_order",
      input: {},
    }
    const delta = { type: "input_json_delta", partial_json: JSON.stringify(order) }
    send({ type: "content_block_start", index: 1, content_block: call })
    send({ type: "content_block_delta", index: 1, delta })
    send({ type: "content_block_stop", index: 1 })
  }
  const delta = { stop_reason: order === null ? "end_turn" : "tool_use", stop_sequence: null }
  send({ type: "message_delta", delta, usage: { output_tokens: 20 } })
  send({ type: "message_stop" })
  response.end()
}

/** Responds with the result of a tool, or executes the command in the last message. */
function plan(messages: MessagesRequest["messages"]) {
  const asked = messages.filter(({ role }) => role === "user").map(({ content }) => blocksOf(content))
  const results = asked.at(-1)?.filter(({ type }) => type === "tool_result") ?? []
  if (results.length > 0) return { said: `The shop says: ${results.map(textOf).join("")}`, order: null }
  for (const blocks of asked.reverse()) {
    const command = blocks.map(textOf).join(" ")
    const [, pieces, product] = /order (\d+) (\w+)/i.exec(command) ?? []
    if (product !== undefined)
      return { said: `I order ${product}.`, order: { product, pieces: Number(pieces) } }
    if (/\bcount\b/.test(command))
      return { said: Array.from({ length: 500 }, (_, index) => index).join(" "), order: null }
  }
  return { said: 'I only play a model. Say "order 3 kettle".', order: null }
}

function blocksOf(content: string | readonly Block[]): readonly Block[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content
}

function textOf({ text: own = "", content = "" }: Block): string {
  return typeof content === "string" ? own + content : own + content.map(textOf).join("")
}
