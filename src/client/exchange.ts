import { linkController, rejectOnAbort } from "./abort.ts"
import { createClientError } from "./chat-error.ts"
import { createRefusal, createUnexpectedResponse, readText } from "./refusal.ts"

/** The gateway's address and connection settings. */
export interface Connection {
  /** Address of the API, with its prefix and without a trailing slash. */
  readonly url: string
  readonly fetch: typeof fetch
  /** Milliseconds without a response, or without a byte of a started response. */
  readonly stallTimeoutMs: number
  /** Set to true by the first response of a gateway. Until then a wrong address is the likely cause of a failure. */
  reached: boolean
}

export interface ExchangeRequest {
  readonly method: "GET" | "POST" | "DELETE"
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Media type of a successful response. */
  readonly accept: "application/json" | "text/event-stream"
}

/** One request whose response has started. Must be closed. */
export interface Exchange {
  readonly response: Response
  /** Yields the body as it arrives. Throws if it stalls or the connection breaks. */
  chunks(): AsyncGenerator<Uint8Array>
  close(): void
}

/** Sends one request once. Throws a `ChatError` unless the gateway responds with success. */
export async function sendRequest(
  connection: Connection,
  { method, path, headers, body, accept }: ExchangeRequest,
  signal: AbortSignal,
): Promise<Exchange> {
  const { controller, detach } = linkController(signal)
  const close = () => {
    detach()
    controller.abort()
  }
  /** Settles with the promise, or rejects if the gateway is silent for too long. */
  const limitTime = async <T>(promise: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => controller.abort(createClientError("stalled")), connection.stallTimeoutMs)
    try {
      return await rejectOnAbort(promise, controller.signal)
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : createClientError("unreachable", error)
    } finally {
      clearTimeout(timer)
    }
  }

  try {
    const init: RequestInit = {
      method,
      headers: { accept, ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      signal: controller.signal,
      cache: "no-store",
    }
    const response = await limitTime(connection.fetch(connection.url + path, init))
    const chunks = () => readChunks(response, limitTime)
    if (!response.ok) throw await createRefusal(response, chunks(), connection)
    const type = response.headers.get("content-type") ?? ""
    if (response.status !== 204 && !type.startsWith(accept))
      throw createUnexpectedResponse(response, connection)
    connection.reached = true
    return { response, chunks, close }
  } catch (error) {
    close()
    throw error
  }
}

async function* readChunks(
  { body }: Response,
  inTime: <T>(promise: Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await inTime(reader.read())
    if (done) return
    yield value
  }
}

/** Maximum bytes of a response of JSON. The default limits of a gateway keep sessions below it. */
const maxJsonBytes = 128 * 1024 * 1024

/** Reads a response of JSON to its end, and closes it. */
export async function readJson(
  connection: Connection,
  { response, chunks, close }: Exchange,
): Promise<unknown> {
  const text = await readText(chunks(), maxJsonBytes).finally(close)
  if (text === null) throw createClientError("response_too_large")
  try {
    return JSON.parse(text)
  } catch {
    throw createUnexpectedResponse(response, connection)
  }
}
