import { type ChildOutcome, timeLimitCode } from "../../../core/runs/child.ts"

/**
 * Milliseconds between the time limit of a child, at which the outbox cancels it, and the end of the wait for its
 * report. The child needs them to stop its calls.
 */
export const timeToReportMs = 30_000

/** Maximum difference in milliseconds between the clocks of the process that delivers the cancel and the child's. */
const clockToleranceMs = 1_000

/** Returns the error of a child that its time limit ended. */
export function createTimeoutError(): NonNullable<ChildOutcome["error"]> {
  return { code: timeLimitCode, message: "The sub-agent did not finish in time." }
}

/**
 * Returns the reported outcome, as a failure if the child was canceled at its time limit. Its response and its spending
 * stay. `at` is the time of the report.
 */
export function markTimeLimit(
  outcome: ChildOutcome,
  { at, timeLimitAt }: { readonly at: number; readonly timeLimitAt: number | undefined },
): ChildOutcome {
  if (timeLimitAt === undefined || outcome.reason !== "cancelled") return outcome
  if (at < timeLimitAt - clockToleranceMs) return outcome
  return { ...outcome, outcome: "failed", reason: null, error: createTimeoutError() }
}
