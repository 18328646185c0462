import { z } from "zod"
import { toError } from "../../../core/errors.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { declareOptions } from "../../../platform/options/declare-options.ts"
import { parseOptions } from "../../../platform/options/resolve-options.ts"
import { createFunctionSchema } from "../../../platform/options/schemas.ts"
import { classifyOutcome } from "./classify-outcome.ts"
import { createOutputWithoutRun, type RunOutput } from "./run-output.ts"

export interface RetryOptions {
  /** Maximum number of further runs after the first one. Default 3. */
  readonly maxRetries?: number
  /**
   * Seconds from the end of a run to the next one: one number for all retries, or one for each. The last one applies
   * to all further retries. Default `[30, 60, 120, 300, 600]`.
   */
  readonly backoffSeconds?: number | readonly number[]
  /** If true, a run that timed out is repeated. Default true. */
  readonly retryOnTimeout?: boolean
  /** Called before the pause. It may take 30 seconds. An error is reported by `onProblem` and then ignored. */
  readonly onRetry?: (retry: Retry) => void | Promise<void>
}

export interface Retry {
  /** Number of the run that follows: 2 for the first retry. */
  readonly attempt: number
  /** A sentence about why the last run failed. */
  readonly error: string
  readonly delaySeconds: number
}

const seconds = z.number().nonnegative().max(2_147_483)

/** Schemas for code that has these options among its own. */
export const retryShape = declareOptions<RetryOptions>()({
  maxRetries: z.int().nonnegative().max(1_000).default(3),
  backoffSeconds: z
    .union([seconds.transform((each) => [each]), z.array(seconds)])
    .default([30, 60, 120, 300, 600]),
  retryOnTimeout: z.boolean().default(true),
  onRetry: createFunctionSchema<NonNullable<RetryOptions["onRetry"]>>().optional(),
})

const schema = z.strictObject(retryShape)
const callbackMs = 30_000

/** One run. Attempts are numbered from 1. */
export type RetriedRun = (attempt: number) => Promise<RunOutput>

/**
 * Runs again while the outcome is `transient`, at most `maxRetries` times, and resolves to the last output. A thrown
 * error counts like a failed run, and the last one is thrown. An abort ends a pause, and no further run is started.
 */
export async function runWithRetry(
  run: RetriedRun,
  options: RetryOptions = {},
  { signal = new AbortController().signal, now = Date.now }: RetryParts = {},
): Promise<RunOutput> {
  const { maxRetries, backoffSeconds, retryOnTimeout } = parseOptions(
    "runAutonomousWithRetry",
    schema,
    options,
  )
  for (let attempt = 1; ; attempt++) {
    const result = await run(attempt).catch(toError)
    const mayRetry = result instanceof Error || !result.timedOut || retryOnTimeout
    const isLast = attempt > maxRetries || signal.aborted || !mayRetry
    if (isLast || classifyOutcome(result) !== "transient") {
      if (result instanceof Error) throw result
      return result
    }
    const delaySeconds = backoffSeconds[Math.min(attempt, backoffSeconds.length) - 1] ?? 0
    const warning = await report(options, { attempt: attempt + 1, error: findProblem(result), delaySeconds })
    // A restarted job counts the pause from the end of the failed run.
    const since = result instanceof Error ? 0 : now() - (result.endedAt ?? now())
    await sleep(Math.max(0, delaySeconds * 1_000 - since), signal)
    if (signal.aborted) {
      const output = result instanceof Error ? createOutputWithoutRun({ error: result.message }) : result
      return warning === null ? output : { ...output, warnings: [...output.warnings, warning] }
    }
  }
}

export interface RetryParts {
  readonly signal?: AbortSignal
  /** Returns milliseconds since the Unix epoch. */
  readonly now?: () => number
}

/** Resolves to a warning if the callback fails. */
async function report({ onRetry }: RetryOptions, retry: Retry): Promise<string | null> {
  try {
    await callBounded(() => onRetry?.(retry), { name: "onRetry", timeoutMs: callbackMs })
    return null
  } catch (error) {
    return `onRetry failed: ${toError(error).message}`
  }
}

function findProblem(result: RunOutput | Error): string {
  if (result instanceof Error) return result.message
  return result.error ?? (result.timedOut ? "The run timed out." : "The run failed.")
}
