import { type RequestListener, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { RequestError } from "@hono/node-server"
import { GatewayError, toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { securityHeaders } from "../../http/middleware/security-headers.ts"
import { formatProblem, problemType } from "../../http/problem.ts"
import type { OpenResponses } from "./open-responses.ts"

/** Milliseconds for a client to read the refusal before its connection is destroyed. */
const lingerMs = 1_000

const headers = { ...problemType, ...securityHeaders }

/**
 * Responds with a problem where Node itself would respond without a body: to bytes that are not HTTP, to headers that
 * are too large, to a request that takes too long to arrive, and to an unknown expectation.
 */
export function refuseMalformed(server: Server, responses: OpenResponses): void {
  const refused = new WeakSet<Socket>()
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    // Node reads on, and reports each further piece.
    if (refused.has(socket)) return
    refused.add(socket)
    const hasBegun = [...responses.of(socket)].some(({ headersSent }) => headersSent)
    if (!socket.writable || hasBegun) {
      socket.destroy(error)
      return
    }
    socket.end(formatResponse(toRefusal(error)))
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.on("close", () => clearTimeout(timer))
  })
  server.on("checkExpectation", (_incoming, outgoing: ServerResponse) => {
    const kind = { code: "expectation_failed", status: 417 }
    refuse(outgoing, new GatewayError(kind, "The gateway supports only the expectation 100-continue."))
  })
}

/**
 * Requires one `Host` header (RFC 9112, section 3.2). A proxy might have checked another one than the gateway would
 * read. Node's own check must be off: it refuses a request without the header, and without a body.
 */
export function requireOneHost(listener: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    const { rawHeaders } = incoming
    let hosts = 0
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? ""
      if (name.length === "host".length && name.toLowerCase() === "host") hosts++
    }
    if (hosts === 1) listener(incoming, outgoing)
    else refuse(outgoing, createMalformed(`The request has ${hosts} Host headers. It must have one.`))
  }
}

/** Returns the response to a request that the server adapter cannot convert, or whose handling threw. */
export function createErrorHandler(logger: Logger): (thrown: unknown) => Response {
  return (thrown) => {
    const problem = thrown instanceof RequestError ? createMalformed(`${thrown.message}.`) : toFailure(thrown)
    if (problem.status >= 500) logger.error({ error: thrown }, "A request failed.")
    return new Response(formatProblem(problem), { status: problem.status, headers })
  }
}

function toFailure(thrown: unknown): GatewayError {
  const message = "The request failed because of an error in the server."
  return new GatewayError({ code: "internal_error", status: 500 }, message, { cause: toError(thrown) })
}

function toRefusal({ code }: NodeJS.ErrnoException): GatewayError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new GatewayError(
        { code: "headers_too_large", status: 431 },
        "The headers of the request are larger than 16 KiB.",
      )
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new GatewayError(
        { code: "body_too_large", status: 413 },
        "The chunk extensions of the body are larger than 16 KiB.",
      )
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new GatewayError(
        { code: "request_timeout", status: 408 },
        "The request took too long to arrive, so it was not processed. Send it again.",
      )
    default:
      return createMalformed("The request is not valid HTTP.")
  }
}

function createMalformed(message: string): GatewayError {
  return new GatewayError({ code: "malformed_request", status: 400 }, message)
}

function refuse(outgoing: ServerResponse, problem: GatewayError): void {
  const body = formatProblem(problem)
  outgoing.writeHead(problem.status, createHeaders(body))
  outgoing.end(body)
}

/** Returns the text of a response, for a connection whose requests Node no longer parses. */
function formatResponse(problem: GatewayError): string {
  const body = formatProblem(problem)
  const lines = Object.entries(createHeaders(body)).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join("")}\r\n${body}`
}

function createHeaders(body: string): Readonly<Record<string, string>> {
  return { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" }
}
