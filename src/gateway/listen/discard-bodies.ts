import type { IncomingMessage, RequestListener } from "node:http"
import { waitForNextSlice } from "../../core/time/next-slice.ts"

/** Maximum bytes of a body to discard. Then the connection is closed. */
const maxDiscardedBytes = 16 * 1024 * 1024

/**
 * Reads and discards the rest of each request body that the response did not need, because some clients read the
 * response only after they have sent everything. Reads one piece in each turn of the event loop, over all
 * connections. Node itself would read up to 2 MiB of each connection in one turn.
 */
export function discardBodies(listener: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    // This listener runs before Node's own, which discards unread bodies.
    outgoing.prependListener("finish", () => {
      if (!incoming.complete && !incoming.destroyed) discard(incoming)
    })
    listener(incoming, outgoing)
  }
}

function discard(incoming: IncomingMessage): void {
  let discarded = 0
  let isWaiting = false
  const readPiece = async () => {
    if (isWaiting) return
    isWaiting = true
    await waitForNextSlice()
    isWaiting = false
    const piece: Buffer | null = incoming.read()
    discarded += piece?.byteLength ?? 0
    if (discarded > maxDiscardedBytes) incoming.socket.destroySoon()
  }
  // Only the client is affected by a failed upload, and its response has been sent.
  incoming.on("error", () => {})
  incoming.on("readable", () => void readPiece())
  incoming.read(0)
}
