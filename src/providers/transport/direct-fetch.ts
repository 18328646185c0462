import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import { toError } from "../../core/errors.ts"
import type { BodyReader } from "./body-reader.ts"
import { MessageReader } from "./message-reader.ts"

/**
 * Implements `fetch` with Node's own HTTP client, for an SDK that calls a model. The first token arrives 0.25 ms
 * earlier than with the global `fetch`. With 49 other streams that is an eighth of the gateway's overhead. It keeps
 * connections open and fails with the same errors. Node's `NODE_USE_ENV_PROXY` applies to it too.
 *
 * It differs from `fetch`: it does not follow redirects, requests responses without compression, and only accepts a
 * text, bytes, a stream of bytes or no body.
 */
export async function fetchDirectly(
  address: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const { method = "GET", body = "", signal } = init
  const url = new URL(address instanceof Request ? address.url : address)
  const isStream = body instanceof ReadableStream
  if (typeof body !== "string" && !(body instanceof Uint8Array) && !isStream)
    throw new TypeError("The body of a direct request is a text, bytes or a stream of bytes.")
  if (url.username !== "" || url.password !== "") throw new TypeError("An address must not hold a password.")
  const named: Record<string, string> = {
    host: url.host,
    "accept-encoding": "identity",
    ...(isRecord(init.headers) ? init.headers : Object.fromEntries(new Headers(init.headers))),
    ...(!isStream && { "content-length": String(Buffer.byteLength(body)) }),
  }
  // Node keeps no table of headers that it receives as a list. The table would take 2 kB during the response.
  const headers = Object.entries(named).flat()
  const send = url.protocol === "https:" ? requestHttps : requestHttp
  const request = send(url, { method, headers, ...(signal && { signal }) })
  request.on("error", (cause) => {
    reject(signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause }))
  })
  request.on("response", (answer) => {
    try {
      resolve(toResponse(answer))
    } catch (cause) {
      // The status is invalid.
      answer.destroy()
      reject(new TypeError("fetch failed", { cause }))
    }
  })
  if (isStream) sendStream(request, body).catch((error: unknown) => request.destroy(toError(error)))
  else request.end(body)
  return promise
}

/** Sends the pieces as the connection takes them. Ends early if the request does. */
async function sendStream(request: ClientRequest, body: ReadableStream<Uint8Array>): Promise<void> {
  for await (const piece of body) {
    if (!request.write(piece)) await waitUntilDrained(request)
    if (request.destroyed) return
  }
  request.end()
}

function waitUntilDrained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      request.off("drain", settle).off("close", settle)
      resolve()
    }
    request.on("drain", settle).on("close", settle)
    if (request.destroyed) settle()
  })
}

function isRecord(headers: RequestInit["headers"]): headers is Record<string, string> {
  return headers !== undefined && !(headers instanceof Headers) && !Array.isArray(headers)
}

/**
 * A response that is an event stream. It has no `body`, because a web stream costs as much CPU time for each read as
 * parsing the read. It is its own reader, since the SDKs stop listening to the caller's signal when a response is
 * garbage.
 */
export class EventStreamResponse extends Response implements BodyReader {
  readonly #reader: BodyReader

  constructor(reader: BodyReader, init: ResponseInit) {
    super(null, init)
    this.#reader = reader
  }

  read(): ReturnType<BodyReader["read"]> {
    return this.#reader.read()
  }

  cancel(): Promise<void> {
    return this.#reader.cancel()
  }
}

export function isEventStream(contentType: string): boolean {
  return /^text\/event-stream\b/i.test(contentType)
}

const withoutBody: readonly (number | undefined)[] = [204, 205, 304]

/** Maximum bytes of an error body, because the SDKs read it as a whole. A longer one is truncated. */
const longestErrorBody = 1024 * 1024

function toResponse(answer: IncomingMessage): Response {
  const { statusCode = 0, statusMessage = "", rawHeaders } = answer
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "")
  }
  const init = { headers, status: statusCode, statusText: statusMessage }
  if (withoutBody.includes(statusCode)) {
    answer.resume()
    return new Response(null, init)
  }
  const isError = statusCode >= 400
  const reader = new MessageReader(answer, isError ? longestErrorBody : undefined)
  if (!isError && isEventStream(answer.headers["content-type"] ?? ""))
    return new EventStreamResponse(reader, init)
  return new Response(toWebStream(reader), init)
}

function toWebStream(reader: BodyReader): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => reader.cancel(),
  })
}
