import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response"
import type { TreeBatch } from "../../sessions/tree/sub-agent.ts"
import { type EventSource, EventStream } from "./stream-body.ts"

/**
 * Sends a response whose body is an event stream directly to Node's response. Returns any other response for the
 * server to send.
 */
export function sendEventStream(response: Response, outgoing: ServerResponse): Response {
  const { body, status, headers } = response
  if (!(body instanceof EventStream)) return response
  outgoing.writeHead(status, Object.fromEntries(headers))
  void writeEventStream(outgoing, body.source)
  return RESPONSE_ALREADY_SENT
}

/**
 * Writes an event stream directly to Node's response after its head. Without a web stream in between, a stream costs
 * 2 to 20 % less CPU time, with the larger gain for short streams, and an idle subscriber holds 6 kB less. If the
 * response's own buffer is full because the client does not read, writing waits, and the rest waits in the log.
 * Resolves when all is written or the client has disconnected.
 */
export async function writeEventStream(
  outgoing: ServerResponse,
  { opening, open, viewer, heartbeat, onEnd, logger }: EventSource,
): Promise<void> {
  if (outgoing.destroyed) return onEnd()
  // The client receives the headers at once, even if the first event takes long.
  outgoing.flushHeaders()
  if (opening !== null) outgoing.write(opening)
  const closing = new AbortController()
  outgoing.once("close", () => closing.abort("the client disconnected"))
  const leaveHeartbeat = heartbeat.join((bytes) => {
    if (!outgoing.writableNeedDrain) outgoing.write(bytes)
  })
  /**
   * Resolves to false if there is no further batch. This is a function of its own because a function that waits keeps
   * its last values, and a batch of a long history takes about 100 kB.
   */
  const writeNext = async (batches: AsyncIterator<TreeBatch>): Promise<boolean> => {
    const next = await batches.next()
    if (next.done) return false
    const bytes = viewer(next.value)
    if (bytes !== null && !outgoing.write(bytes)) await once(outgoing, "drain", { signal: closing.signal })
    return true
  }
  try {
    const batches = open(closing.signal)[Symbol.asyncIterator]()
    try {
      while (await writeNext(batches));
    } finally {
      // This call lets a view between two batches clean up.
      await batches.return?.()
    }
  } catch (error) {
    if (!closing.signal.aborted) logger.error({ error }, "A view of a session failed. Its stream ends.")
  } finally {
    leaveHeartbeat()
    outgoing.end()
    onEnd()
  }
}
