import type { Context } from "hono"
import { HTTPException } from "hono/http-exception"
import type { ContentfulStatusCode } from "hono/utils/http-status"
import { GatewayError, ShuttingDownError, toError } from "../core/errors.ts"
import type { Json } from "../core/json/json.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { HttpEnv } from "./http-env.ts"
import { respondText } from "./respond.ts"
import type { WireRoutes } from "./wire-routes.ts"

/** A request that cannot be served, with the extension members that RFC 9457 allows. */
export class Problem extends GatewayError {
  /** Extension members of the problem document. */
  readonly members: Readonly<Record<string, Json>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    kind: { readonly code: string; readonly status: number },
    message: string,
    extra: {
      readonly members?: Readonly<Record<string, Json>>
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(kind, message)
    this.members = extra.members ?? {}
    this.headers = extra.headers ?? {}
  }
}

export interface FieldError {
  /** Keys and indexes from the body's root, joined by dots. Empty for the body itself. */
  readonly path: string
  readonly message: string
}

export function createInvalidBody(errors: readonly FieldError[], code = "invalid_body"): Problem {
  const [first] = errors
  const detail = first === undefined ? "The body is not valid." : describe(first)
  return new Problem({ code, status: 422 }, detail, {
    members: { errors: errors.map(({ path, message }) => ({ path, message })) },
  })
}

/**
 * Returns a 401 problem. RFC 9110 requires the challenge on every 401. Tokens are only accepted in the Authorization
 * header.
 */
export function createUnauthorized(code: string, message: string): Problem {
  return new Problem({ code, status: 401 }, message, { headers: { "www-authenticate": "Bearer" } })
}

/**
 * Returns the problem for a session. It is the same if the session never existed, expired, or belongs to another
 * principal.
 */
export function createSessionNotFound(status: 401 | 404): Problem {
  const message = "The session does not exist or has expired."
  if (status === 401) return createUnauthorized("session_not_found", message)
  return new Problem({ code: "session_not_found", status }, message)
}

export function createSessionRevoked(): Problem {
  return createUnauthorized(
    "session_revoked",
    "The session was revoked. Start a new one with POST /chat/init.",
  )
}

/**
 * Converts any error of a handler into a response, by default with `application/problem+json`. Internal details go to
 * the log only.
 */
export function toProblemResponse(
  thrown: unknown,
  c: Context<HttpEnv>,
  { logger, format }: { readonly logger: Logger; readonly format?: WireRoutes["formatProblem"] },
): Response {
  const problem = toGatewayError(thrown)
  const origin = { method: c.req.method, path: c.req.path }
  const fields = { code: problem.code, detail: problem.detail, ...origin }
  // While the gateway stops, every client receives this response.
  if (problem instanceof ShuttingDownError)
    logger.debug(fields, "A request was refused. The gateway is stopping.")
  else if (problem.status >= 500) logger.error({ error: thrown, ...fields }, "A request failed.")
  const { body, headers } = format?.(problem) ?? { body: formatProblem(problem), headers: problemType }
  const isText = typeof body === "string"
  return respondText(c, isText ? body : JSON.stringify(body), problem.status as ContentfulStatusCode, {
    "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
    ...headers,
    ...(problem.status === 503 && problem.retryable ? { "retry-after": "1" } : {}),
    ...(problem instanceof Problem ? problem.headers : {}),
  })
}

export const problemType = { "content-type": "application/problem+json" } as const

/** Returns the document of a problem (RFC 9457). */
export function formatProblem(problem: GatewayError): string {
  return JSON.stringify({
    type: `urn:ai-agent-gateway:problem:${problem.code}`,
    title: formatTitle(problem.code),
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ...(problem instanceof Problem ? problem.members : {}),
  })
}

function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  if (thrown instanceof HTTPException && thrown.status < 500) return toRefusalProblem(thrown)
  return new GatewayError(
    { code: "internal_error", status: 500 },
    "The request failed because of an error in the server.",
    {
      cause: toError(thrown),
    },
  )
}

/** Returns the problem for a request that the framework itself refuses. */
function toRefusalProblem({ status }: HTTPException): Problem {
  if (status === 400) return new Problem({ code: "malformed_json", status }, "The body is not valid JSON.")
  if (status === 415) {
    return new Problem({ code: "unsupported_media_type", status }, "The body must be application/json.")
  }
  return new Problem({ code: "request_refused", status }, "The request was refused.")
}

function describe({ path, message }: FieldError): string {
  return path === "" ? message : `${path}: ${message}`
}

function formatTitle(code: string): string {
  const words = code.replaceAll("_", " ")
  return words.charAt(0).toUpperCase() + words.slice(1)
}
