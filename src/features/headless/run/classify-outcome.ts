import { GatewayError } from "../../../core/errors.ts"
import type { RunOutput } from "./run-output.ts"

/** `transient`: the same run may succeed later. `permanent`: a person must change something first. */
export type OutcomeClass = "success" | "transient" | "permanent"

/** Transient error codes of runs. */
const transientCodes: ReadonlySet<string> = new Set([
  "rate_limited",
  "overloaded",
  "upstream_failed",
  "upstream_unreachable",
  "upstream_timeout",
  "upstream_cut",
  "upstream_stalled",
  "step_timeout",
  "store_unavailable",
  "shutting_down",
  "lease_lost",
  "log_too_new",
  "upgrade_in_progress",
  "run_active",
  "queue_full",
  "state_locked",
  "crashed_repeatedly",
])

/** Transient system errors of network and disk. */
const transientSystemCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
])

/** Codes that say nothing about the cause, so the text of the error decides. */
const generalCodes: ReadonlySet<string> = new Set(["error", "internal_error"])

/**
 * Classifies a run's output, or an error that was thrown instead, to decide about another run. A run that timed out
 * is `transient`. A run that used up its budget or its turns, was canceled, or waits for a person is `permanent`. An
 * error without a code of its own is classified by its HTTP status and its text, such as "503 Service Unavailable" or
 * "connection reset".
 */
export function classifyOutcome(result: RunOutput | Error): OutcomeClass {
  if (result instanceof Error) return classifyError(result)
  const { timedOut, error, errorCode } = result
  if (timedOut) return "transient"
  if (error === null)
    return result.budgetExceeded || result.maxTurnsReached || result.parked ? "permanent" : "success"
  // An output that other code created may have no code.
  if (!errorCode || generalCodes.has(errorCode)) return classifyText(error)
  return transientCodes.has(errorCode) ? "transient" : "permanent"
}

function classifyError(error: Error): OutcomeClass {
  if (error instanceof GatewayError) return error.retryable ? "transient" : "permanent"
  if (error.name === "TimeoutError") return "transient"
  const { code, status } = error as { readonly code?: unknown; readonly status?: unknown }
  if (typeof code === "string" && transientSystemCodes.has(code)) return "transient"
  if (typeof status === "number" && status >= 400) return classifyStatus(status)
  if (error.cause instanceof Error) return classifyError(error.cause)
  return programErrors.has(error.name) ? "permanent" : classifyText(error.message)
}

/** Names of errors of the program, which would happen again whatever their text contains. */
const programErrors: ReadonlySet<string> = new Set([
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
])

function classifyStatus(status: number): OutcomeClass {
  return status === 408 || status === 429 || status >= 500 ? "transient" : "permanent"
}

const statusInText = /\b(?:400|401|403|404|408|429|500|502|503|504|529)\b/
const permanentText =
  /\b(?:unauthorized|forbidden|invalid api key|bad request|not found)\b|\bauthenticat|\bauthoriz/i
const transientText = new RegExp(
  [
    /\b(?:too many requests|rate[ -]?limit(?:ed|ing)?|overload(?:ed)?)\b/,
    /\b(?:service unavailable|(?:internal )?server error|bad gateway|gateway timeout)\b/,
    /\b(?:timeout|timed out)\b|\bconnection (?:error|reset|aborted|refused|closed)\b|\bsocket hang up\b/,
    new RegExp(`\\b(?:${[...transientSystemCodes].join("|")})\\b`),
  ]
    .map(({ source }) => source)
    .join("|"),
  "i",
)

/** Classifies an error text by the first HTTP status in it, or else by its words. */
function classifyText(text: string): OutcomeClass {
  const [status] = statusInText.exec(text) ?? []
  if (status !== undefined) return classifyStatus(Number(status))
  return !permanentText.test(text) && transientText.test(text) ? "transient" : "permanent"
}
