import type { StepStarted } from "../../../core/log/entries.ts"
import type { ModelChoice, ModelFailure } from "../../../core/ports/model/provider.ts"
import { computeBackoff } from "../../../platform/backoff/backoff.ts"
import type { ModelRuntime } from "../agent-runtime.ts"

/** One try of a step's model call. */
export interface ModelAttempt {
  readonly step: StepStarted
  /** Counts the attempts of the step from 1. */
  readonly number: number
  /** Index among the agent's models. */
  readonly modelIndex: number
  /** Number of retries with this model. */
  readonly retries: number
  /** Milliseconds to wait before the attempt. */
  readonly pauseMs: number
  /** Maximum output tokens, if the budget allows fewer than the agent. */
  readonly maxTokens?: number
}

export const modelBackoff = { firstMs: 500, maxMs: 30_000 }
/** If a provider requests a longer wait, the gateway does not retry with it. */
const longestRetryAfterMs = 60_000

/**
 * Returns the next attempt after a failure: first the same model again, then the next model. Null if no attempt is
 * left, or if another one would not help.
 */
export function planNextAttempt(
  attempt: ModelAttempt,
  failure: ModelFailure,
  runtime: ModelRuntime,
): ModelAttempt | null {
  const { models } = runtime
  const next = { ...attempt, number: attempt.number + 1 }
  const { retryable, retryAfterMs } = failure
  const mostRetries = computeMaxRetries(failure, findModel(runtime, attempt.modelIndex), runtime)
  if (retryable && attempt.retries < mostRetries && (retryAfterMs ?? 0) <= longestRetryAfterMs) {
    // A "retry after 0" of an overloaded provider would use all retries within milliseconds.
    const pauseMs = retryAfterMs || computeBackoff(attempt.retries, modelBackoff)
    return { ...next, retries: attempt.retries + 1, pauseMs }
  }
  if (!isOfTheService(failure) || attempt.modelIndex + 1 >= models.length) return null
  // Another provider needs no pause.
  return { ...next, modelIndex: attempt.modelIndex + 1, retries: 0, pauseMs: 0 }
}

/**
 * Limits retries after a timeout, because the model may have evaluated the whole prompt in vain. A hosted provider
 * gets one retry, because another machine may handle the call. The operator's own machine gets none, because it would
 * be as slow again.
 */
function computeMaxRetries(
  { code }: ModelFailure,
  { provider }: ModelChoice,
  { maxRetries }: ModelRuntime,
): number {
  if (code !== "upstream_timeout") return maxRetries
  return provider.selfHosted ? 0 : Math.min(maxRetries, 1)
}

/** Failures that are not caused by the request, even if the provider reports that a retry is useless. */
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

/**
 * Returns true if another provider may succeed. A second provider would refuse a wrong request as well, and a wrong
 * key should not go unnoticed.
 */
function isOfTheService({ retryable, code }: ModelFailure): boolean {
  return retryable || ofTheService.includes(code)
}

/** Returns the model of an attempt. The log may name a fallback that the agent no longer has. */
export function findModel({ models }: ModelRuntime, index: number): ModelChoice {
  return models[index] ?? models.at(-1) ?? models[0]
}
