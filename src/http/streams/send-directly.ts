import type { ServerResponse } from "node:http"
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response"
import { TextBody } from "../text-body.ts"
import { sendEventStream } from "./write-stream.ts"

/**
 * Sends a text or an event stream directly to Node's response. Returns any other response for the server to send.
 */
export function sendDirectly(response: Response, outgoing: ServerResponse): Response {
  const { body, status, headers } = response
  if (!(body instanceof TextBody)) return sendEventStream(response, outgoing)
  const length = String(Buffer.byteLength(body.text))
  // A list, because a response may have several `set-cookie` headers.
  outgoing.writeHead(status, [...headers, ["content-length", length]].flat())
  outgoing.end(body.text)
  return RESPONSE_ALREADY_SENT
}
