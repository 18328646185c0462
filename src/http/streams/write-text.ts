import type { OutgoingHttpHeaders, ServerResponse } from "node:http"
import { Socket } from "node:net"

/**
 * Sends the head of a response whose text follows in parts, by `writeText`. The client receives the head at once, even
 * if the first part takes long.
 */
export function startText(outgoing: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  outgoing.writeHead(status, headers)
  outgoing.flushHeaders()
}

/**
 * Writes a part of the text. Returns false if the buffer of the connection is full. The caller then waits with
 * `onceDrained` before it writes again.
 *
 * The part is framed here as a chunk (RFC 9112, section 7.1) and written to the socket as one string. Node's response
 * would write each chunk as four pieces, which takes a third more CPU time for a short part.
 */
export function writeText(outgoing: ServerResponse, text: string): boolean {
  const { socket } = outgoing
  // An empty chunk would end the response.
  if (text === "") return !needsDrain(outgoing)
  // A pipelined response has no socket before the responses ahead of it have ended. Node keeps its parts until then.
  // A response to HTTP/1.0 has no chunks.
  if (socket === null || !socket.writable || !outgoing.chunkedEncoding) return outgoing.write(text)
  return socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
}

/** Joins what is written in this turn of the event loop into one write to the connection. */
export function joinWrites({ socket }: ServerResponse): void {
  if (socket === null || socket.writableCorked > 0) return
  socket.cork()
  process.nextTick(uncork, socket)
}

function uncork(socket: Socket): void {
  socket.uncork()
}

/** Returns true if the buffer of the connection is full. */
export function needsDrain(outgoing: ServerResponse): boolean {
  return outgoing.writableNeedDrain || outgoing.socket?.writableNeedDrain === true
}

/** Calls `listener` once, when the buffer of the connection is empty. */
export function onceDrained(outgoing: ServerResponse, listener: () => void): void {
  const { socket } = outgoing
  const isSocketFull = socket?.writableNeedDrain === true
  if (isSocketFull) socket.once("drain", listener)
  else outgoing.once("drain", listener)
}

/**
 * Ends a response before its text is complete, so that no client takes it for a whole one. The text that was written
 * is sent if the client reads it. Then the connection ends within a chunk (RFC 9112, section 8). A response to
 * HTTP/1.0 has no chunks, so its connection is reset.
 */
export function destroyResponse(outgoing: ServerResponse): void {
  const { socket } = outgoing
  // Other runtimes have sockets of their own.
  if (!(socket instanceof Socket) || outgoing.destroyed) outgoing.destroy()
  else if (!outgoing.chunkedEncoding && canReset(socket)) socket.resetAndDestroy()
  else if (needsDrain(outgoing)) socket.destroy()
  else socket.destroySoon()
}

/** Returns true for a TCP connection without encryption. Node cannot reset others. */
function canReset(socket: Socket): boolean {
  return socket.remoteFamily !== undefined && !("encrypted" in socket)
}
