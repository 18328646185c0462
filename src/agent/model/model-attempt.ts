import type { StepStarted } from "../../core/log/entries.ts"
import type { ModelChoice, ModelFailure } from "../../core/ports/provider.ts"
import type { ModelRuntime } from "../agent-runtime.ts"
import { backoffMs } from "./retry-backoff.ts"

/** One try at a step's model call. */
export interface ModelAttempt {
  readonly step: StepStarted
  /** Counts the calls of the step from 1. */
  readonly number: number
  /** Position among the agent's models. */
  readonly modelIndex: number
  /** Number of times that this model was tried again. */
  readonly retries: number
  /** Milliseconds to wait before it. */
  readonly pauseMs: number
}

/** A service that asks for a longer wait than that is not worth keeping a person waiting for. */
const longestRetryAfterMs = 60_000

/**
 * Returns the next attempt after a failure: the same model again, then the next one. Null if no attempt is left, or
 * if another one would not help.
 */
export function attemptAfter(
  attempt: ModelAttempt,
  failure: ModelFailure,
  runtime: ModelRuntime,
): ModelAttempt | null {
  const { models } = runtime
  const next = { ...attempt, number: attempt.number + 1 }
  const { retryable, retryAfterMs } = failure
  const mostRetries = retriesWorthwhile(failure, modelAt(runtime, attempt.modelIndex), runtime)
  if (retryable && attempt.retries < mostRetries && (retryAfterMs ?? 0) <= longestRetryAfterMs) {
    // "Retry after 0" of an overloaded service would spend all retries within milliseconds.
    return { ...next, retries: attempt.retries + 1, pauseMs: retryAfterMs || backoffMs(attempt.retries) }
  }
  if (!isOfTheService(failure) || attempt.modelIndex + 1 >= models.length) return null
  // Another service need not be spared.
  return { ...next, modelIndex: attempt.modelIndex + 1, retries: 0, pauseMs: 0 }
}

/**
 * Limits retries after a timeout, because the model may have evaluated the whole prompt for nothing: one retry for a
 * hosted service, where another machine may take the call, and none for the operator's own machine, which is as slow
 * the next time.
 */
function retriesWorthwhile(
  { code }: ModelFailure,
  { provider }: ModelChoice,
  { maxRetries }: ModelRuntime,
): number {
  if (code !== "upstream_timeout") return maxRetries
  return provider.selfHosted ? 0 : Math.min(maxRetries, 1)
}

/** Failures that say nothing about the request, though a service may say that trying it again is of no use. */
const ofTheService: readonly string[] = [
  "rate_limited",
  "quota_exceeded",
  "overloaded",
  "upstream_failed",
  "upstream_unreachable",
  "upstream_timeout",
  "upstream_cut",
  "upstream_invalid",
]

/** Another service would refuse a wrong request as well, and a wrong key should not go unnoticed. */
function isOfTheService({ retryable, code }: ModelFailure): boolean {
  return retryable || ofTheService.includes(code)
}

/** The log may name a fallback that the agent does not have any more. */
export function modelAt({ models }: ModelRuntime, index: number): ModelChoice {
  return models[index] ?? models.at(-1) ?? models[0]
}
