import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import { toError } from "../../core/errors.ts"

/**
 * Implements `fetch` with Node's own HTTP client, for an SDK that calls a model. The first token arrives 0.25 ms
 * earlier than with the global `fetch`. With 49 other streams that is an eighth of the gateway's overhead. It keeps
 * connections open and fails with the same errors. Node's `NODE_USE_ENV_PROXY` applies to it too.
 *
 * It differs from `fetch`: it does not follow redirects, requests responses without compression, and only accepts a
 * text, bytes, a stream of bytes or no body.
 */
export async function directFetch(
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
  const headers = {
    "accept-encoding": "identity",
    ...Object.fromEntries(init.headers instanceof Headers ? init.headers : new Headers(init.headers)),
    ...(!isStream && { "content-length": Buffer.byteLength(body) }),
  }
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
    if (!request.write(piece)) await untilDrained(request)
    if (request.destroyed) return
  }
  request.end()
}

function untilDrained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      request.off("drain", settle).off("close", settle)
      resolve()
    }
    request.on("drain", settle).on("close", settle)
    if (request.destroyed) settle()
  })
}

const withoutBody: readonly (number | undefined)[] = [204, 205, 304]

function toResponse(answer: IncomingMessage): Response {
  const { statusCode, statusMessage, rawHeaders } = answer
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "")
  }
  const isError = statusCode !== undefined && statusCode >= 400
  const body = withoutBody.includes(statusCode) ? null : bodyOf(answer, isError ? longestErrorBody : Infinity)
  if (body === null) answer.resume()
  return new Response(body, { headers, status: statusCode ?? 0, statusText: statusMessage ?? "" })
}

/** Maximum number of waiting chunks. With more, the connection is not read. */
const maxWaiting = 16

/** Maximum bytes of an error body, because the SDKs read it as a whole. A longer one is truncated. */
const longestErrorBody = 1024 * 1024

/** Creates the body's web stream. `Readable.toWeb` would cost half of the gain. */
function bodyOf(answer: IncomingMessage, longest: number): ReadableStream<Uint8Array> {
  let size = 0
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        answer.on("data", (chunk: Buffer) => {
          size += chunk.length
          if (size > longest) {
            answer.removeAllListeners("data").removeAllListeners("end")
            answer.destroy()
            controller.close()
            return
          }
          controller.enqueue(chunk)
          if (controller.desiredSize !== null && controller.desiredSize <= 0) answer.pause()
        })
        answer.on("end", () => controller.close())
        answer.on("error", (cause) => controller.error(new TypeError("terminated", { cause })))
      },
      pull() {
        answer.resume()
      },
      cancel() {
        // Either would be an error after the end of the stream. A late failure is not.
        answer.removeAllListeners("data").removeAllListeners("end")
        answer.destroy()
      },
    },
    { highWaterMark: maxWaiting },
  )
}
