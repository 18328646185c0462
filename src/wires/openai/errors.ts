import type { GatewayError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import { Problem } from "../../http/problem.ts"
import type { FormattedProblem } from "../../http/wire-routes.ts"

/** Returns a problem in the form of OpenAI's APIs, with the header that tells their clients whether to repeat. */
export function formatProblem(problem: GatewayError): FormattedProblem {
  const { code, message, status } = problem
  const error = { message, type: findType(status), param: findParameter(problem), code }
  // The clients repeat 409 and 5xx by default, which is wrong for a request that would be refused again.
  const mayRepeat = status === 429 || problem.retryable
  return { body: { error }, headers: { "x-should-retry": String(mayRepeat) } }
}

function findType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error"
    case 403:
      return "permission_error"
    case 429:
      return "rate_limit_error"
    default:
      return status >= 500 ? "server_error" : "invalid_request_error"
  }
}

/** Returns the path of the first member that is not valid. Null if the body as a whole is not, or another part. */
function findParameter(problem: GatewayError): string | null {
  if (!(problem instanceof Problem)) return null
  const [first] = Array.isArray(problem.members.errors) ? problem.members.errors : []
  const { path = "" } = (first ?? {}) as JsonObject
  return typeof path === "string" && path !== "" ? path : null
}

/** Returns the problem of a member that the protocol allows and the gateway cannot serve. */
export function createUnsupported(parameter: string, message: string): Problem {
  return new Problem({ code: "unsupported_parameter", status: 400 }, message, {
    members: { errors: [{ path: parameter, message }] },
  })
}

export function createNotFound(message: string): Problem {
  return new Problem({ code: "not_found", status: 404 }, message)
}
