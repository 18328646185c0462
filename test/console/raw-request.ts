import { type IncomingHttpHeaders, request } from "node:http"

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface RawRequest {
  readonly method?: string
  /** Any headers, including those that `fetch` does not set. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** Sends a request exactly as given. `fetch` and browsers would change it. */
export function rawRequest(
  url: string,
  { method = "GET", headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { "content-type": "application/json" }
    const outgoing = request(url, { method, headers: { ...json, ...headers } }, (incoming) => {
      let text = ""
      incoming.setEncoding("utf8").on("data", (piece: string) => {
        text += piece
      })
      incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }))
      incoming.on("error", reject)
    })
    outgoing.on("error", reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** A header that only pages of the console can send. */
export const ownPage = { "x-agent-gateway-console": "1" }

/** Returns the code of a problem document. */
export function codeOf({ text }: RawAnswer): unknown {
  return (JSON.parse(text) as { readonly code?: unknown }).code
}
