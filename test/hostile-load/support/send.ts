import { type Agent, request } from "node:http"

export interface SentRequest {
  readonly url: string
  readonly method?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON body. */
  readonly body?: Buffer
  readonly agent?: Agent
  readonly signal?: AbortSignal
  /** Receives the body. Without it, the body is read and discarded. */
  readonly onData?: (chunk: Buffer) => void
}

/**
 * Sends a request with as little work as Node allows. Resolves once the whole response was read. If the gateway has
 * closed an idle connection, the request uses a new one, as in browsers.
 */
export async function send(options: SentRequest): Promise<{ readonly status: number }> {
  return sendOnce(options, () => sendOnce(options, (error) => Promise.reject(error)))
}

function sendOnce(
  options: SentRequest,
  onClosedBefore: (error: Error) => Promise<{ readonly status: number }>,
): Promise<{ readonly status: number }> {
  const { url, method = "GET", token, body, agent, signal, onData } = options
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json", "content-length": body.byteLength }),
      ...options.headers,
    }
    const sent = request(url, { method, headers, ...(agent && { agent }), ...(signal && { signal }) })
    sent.on("response", (response) => {
      if (onData === undefined) response.resume()
      else response.on("data", onData)
      response.on("end", () => resolve({ status: response.statusCode ?? 0 }))
      response.on("error", reject)
    })
    let isAnswered = false
    sent.once("response", () => {
      isAnswered = true
    })
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const isOld = sent.reusedSocket && !isAnswered && error.code === "ECONNRESET"
      if (isOld) onClosedBefore(error).then(resolve, reject)
      else reject(error)
    })
    sent.end(body)
  })
}
