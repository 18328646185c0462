import type { RequestListener } from "node:http"
import type { OpenResponses } from "./open-responses.ts"

/** Browsers and common clients wait for each response before they send the next request. */
const maxUnanswered = 8

/**
 * Destroys a connection with too many requests that have no complete response. Node reads up to 64 KiB at once and
 * handles all requests in it in one turn of the event loop, so thousands of them would block every other client.
 */
export function limitPipelining(listener: RequestListener, responses: OpenResponses): RequestListener {
  const tracked = responses.track(listener)
  return (incoming, outgoing) => {
    const { socket } = incoming
    // Ignores further requests that Node has read from the connection.
    if (socket.destroyed) return
    if (responses.of(socket).size >= maxUnanswered) socket.destroy()
    else tracked(incoming, outgoing)
  }
}
