import type { IncomingMessage, RequestListener } from "node:http"
import { nextSlice } from "../../core/time/next-slice.ts"

/** Bytes of a body that are discarded before its connection is closed. */
const maxDiscardedBytes = 16 * 1024 * 1024

/**
 * Reads the rest of each body that its response did not need, and discards it: the client may read its response only
 * after it has sent everything. Takes one piece in each turn of the event loop, over all connections. Node itself would
 * read up to 2 MiB of each connection in one turn.
 */
export function discardBodies(listener: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    // Before Node's own listener, which discards the bodies that nothing has begun to read.
    outgoing.prependOnceListener("finish", () => {
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
    await nextSlice()
    isWaiting = false
    const piece: Buffer | null = incoming.read()
    discarded += piece?.byteLength ?? 0
    if (discarded > maxDiscardedBytes) incoming.socket.destroySoon()
  }
  // A failed upload is the client's matter, and its response has been sent.
  incoming.on("error", () => {})
  incoming.on("readable", () => void readPiece())
  incoming.read(0)
}
