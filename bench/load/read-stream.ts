import { type Agent, request as openRequest } from "node:http"
import { tokenText } from "../script.ts"
import type { StreamRequest } from "./target.ts"

export interface ReadStream {
  /** Milliseconds from writing the request to reading the first frame with text. */
  readonly firstTokenMs: number
  /** Chunks as they arrived. They are checked after the measurement. */
  readonly chunks: readonly Buffer[]
}

const firstTokenMark = tokenText(0)

export interface ReadOptions {
  readonly agent: Agent
  /** If true, disconnects after the first token. */
  readonly untilFirstToken?: boolean
  readonly onFirstToken?: (ms: number) => void
}

/** Sends the request and reads the response to its end, or to its first token. */
export function readStream(
  url: string,
  streamRequest: StreamRequest,
  options: ReadOptions,
): Promise<ReadStream> {
  const { path, body, headers } = streamRequest
  const { agent, untilFirstToken = false, onFirstToken } = options
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let firstTokenMs = Number.NaN
    const request = openRequest(url + path, {
      agent,
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
    })
    const begun = performance.now()
    request.on("error", (error: NodeJS.ErrnoException) => {
      // The server closed the idle connection at that moment and has not seen the request.
      if (request.reusedSocket && error.code === "ECONNRESET") {
        resolve(readStream(url, streamRequest, options))
      } else reject(error)
    })
    request.on("response", (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path} answered ${answer.statusCode}.`))
      answer.on("error", reject)
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        if (!Number.isNaN(firstTokenMs) || !chunk.includes(firstTokenMark)) return
        firstTokenMs = performance.now() - begun
        onFirstToken?.(firstTokenMs)
        if (!untilFirstToken) return
        resolve({ firstTokenMs, chunks })
        request.destroy()
      })
      answer.on("end", () => resolve({ firstTokenMs, chunks }))
    })
    request.end(body)
  })
}
