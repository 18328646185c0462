import { GatewayError } from "../../core/errors.ts"
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

/**
 * Classifies a run's output, or an error that was thrown instead, to decide about another run. A run that timed out
 * is `transient`. A run that used up its budget or its turns, was canceled, or waits for a person is `permanent`.
 */
export function classifyOutcome(result: RunOutput | Error): OutcomeClass {
  if (result instanceof Error) return classifyError(result)
  if (result.timedOut) return "transient"
  if (result.error !== null) return transientCodes.has(result.errorCode ?? "") ? "transient" : "permanent"
  return result.budgetExceeded || result.maxTurnsReached || result.parked ? "permanent" : "success"
}

function classifyError(error: Error): OutcomeClass {
  if (error instanceof GatewayError) return error.retryable ? "transient" : "permanent"
  if (error.name === "TimeoutError") return "transient"
  const { code } = error as { readonly code?: unknown }
  if (typeof code === "string" && transientSystemCodes.has(code)) return "transient"
  return error.cause instanceof Error ? classifyError(error.cause) : "permanent"
}
