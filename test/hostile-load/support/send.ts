import { type Agent, request } from "node:http"

export interface SentRequest {
  readonly url: string
  readonly method?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON. */
  readonly body?: Buffer
  readonly agent?: Agent
  readonly signal?: AbortSignal
  /** Without it, the body is read and discarded. */
  readonly onData?: (chunk: Buffer) => void
}

/** Sends a request as cheaply as Node can, and resolves once the whole response was read. */
export function send(options: SentRequest): Promise<{ readonly status: number }> {
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
    sent.on("error", reject)
    sent.end(body)
  })
}
