import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { onTestFinished } from "vitest"

/** A client that reads from the connection only when the test says so. */
export interface RawViewer {
  readonly socket: Socket
  /** Reads to the end of the connection. Resolves to the whole body without its chunk framing. */
  rest(): Promise<Response>
}

/** Subscribes, reads the headers, and then stops reading. */
export async function subscribeAndStall(
  url: string,
  { token, afterSeq }: { readonly token: string; readonly afterSeq: number },
): Promise<RawViewer> {
  const { hostname, port, host } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  onTestFinished(async () => {
    socket.destroy()
  })
  await once(socket, "connect")
  socket.write(
    `GET /api/chat/subscribe?after_seq=${afterSeq} HTTP/1.1\r\n` +
      `host: ${host}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
  )
  const read: Buffer[] = [await readable(socket)]
  socket.pause()
  return {
    socket,
    async rest() {
      for await (const chunk of socket) read.push(chunk as Buffer)
      const whole = Buffer.concat(read)
      const headersEnd = whole.indexOf("\r\n\r\n")
      return new Response(unchunked(whole.subarray(headersEnd + 4)) as Uint8Array<ArrayBuffer>)
    },
  }
}

async function readable(socket: Socket): Promise<Buffer> {
  await once(socket, "readable")
  return socket.read() as Buffer
}

/** Returns the content of a chunked body so far (RFC 9112, section 7.1). */
function unchunked(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  let at = 0
  while (at < body.length) {
    const lineEnd = body.indexOf("\r\n", at)
    const size = Number.parseInt(body.subarray(at, lineEnd).toString(), 16)
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(chunks)
}
