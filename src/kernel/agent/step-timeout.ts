import type { Event } from "../../core/log/entries.ts"
import { selectRunIds } from "./observing/log-observer.ts"
import type { ModelRunContext } from "./run-context.ts"
import type { RunState } from "./run-state.ts"
import { recordEnd } from "./steering.ts"
import { readOutcome } from "./tools/call-state.ts"
import { startTimeLimit } from "./tools/time-limit.ts"

/** The reason with which the signal of a step aborts when the step has taken too long. */
export class StepTimeoutError extends Error {
  readonly code = "step_timeout"

  constructor(seconds: number) {
    super(
      `The turn, one model call with its tool calls, did not end within ${seconds} seconds, so the run was stopped.`,
    )
  }
}

/** Limits the time of each step: its model call with all retries, and its tool calls. */
export interface StepLimit {
  /** Executes a part of the current step. Rejects with `StepTimeoutError` once the step has taken too long. */
  within<Result>(work: (context: ModelRunContext) => Promise<Result>): Promise<Result>
  /** Ends the current step. The next step has the full time again. */
  stop(): void
}

/** Returns the limit that the agent sets. Without one, a step may take any time. */
export function createStepLimit(context: ModelRunContext): StepLimit {
  const { stepTimeoutSeconds: seconds } = context.runtime
  if (seconds === undefined) return { within: (work) => work(context), stop() {} }
  let step: { readonly context: ModelRunContext; stop(): void } | null = null
  return {
    within(work) {
      step ??= startLimitedStep(context, seconds)
      return work(step.context)
    },
    stop() {
      step?.stop()
      step = null
    },
  }
}

function startLimitedStep(context: ModelRunContext, seconds: number) {
  const controller = new AbortController()
  const abort = () => controller.abort(context.signal.reason)
  context.signal.addEventListener("abort", abort, { once: true })
  if (context.signal.aborted) abort()
  const limit = startTimeLimit(seconds * 1_000, () => controller.abort(new StepTimeoutError(seconds)))
  return {
    context: { ...context, signal: controller.signal, pauseStepLimit: limit.pauseFor },
    stop() {
      limit.stop()
      context.signal.removeEventListener("abort", abort)
    },
  }
}

/** Ends the run of a step that has taken too long. Its unfinished calls are interrupted. */
export async function endOverdueStep(
  context: ModelRunContext,
  { code, message }: StepTimeoutError,
): Promise<void> {
  const { run } = context.conversation
  if (run === null) return
  const unfinished = closeStep(run)
  const tools = unfinished.flatMap((event) => (event.type === "toolCallInterrupted" ? [event.name] : []))
  const ids = selectRunIds(context.sessionId, run)
  context.logger.warn({ ...ids, turn: run.steps, tools }, "A turn exceeded stepTimeoutSeconds. The run ends.")
  await recordEnd(context, [...unfinished, { type: "runFailed", code, message, ...run.spent }])
}

/** Returns the events that close the step of a run that is stopped: its calls without a result get none. */
export function closeStep({ phase, steps, stepSpent }: RunState): readonly Event[] {
  if (phase.type !== "settling") return []
  const { calls, completed } = phase
  const interrupted = [...calls.values()]
    .filter((call) => call.state !== "settled")
    .map((call): Event => {
      const { toolCallId, name } = call.requested
      return {
        type: "toolCallInterrupted",
        toolCallId,
        name,
        reason: "cancelled",
        outcome: readOutcome(call),
      }
    })
  return [...interrupted, { type: "stepCompleted", stepId: completed.stepId, step: steps, ...stepSpent }]
}
