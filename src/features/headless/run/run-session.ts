import { omitUndefined } from "../../../core/defined-only.ts"
import { ConfigurationError, GatewayError, toError } from "../../../core/errors.ts"
import type { Runs } from "../runs.ts"
import { createHumanNeeds } from "./human-needed.ts"
import { type ResolvedRunOptions, type RunSessionOptions, resolveRunOptions } from "./options.ts"
import { createOutputWithoutRun, type RunOutput, toRunOutput } from "./run-output.ts"
import { RunState } from "./state.ts"

/**
 * Sends one message to an agent and waits for the end of the run, without a client. The output reports how the run
 * ended. A failed run, a time limit and an unusable state file do not reject. Rejects with a `ConfigurationError` if
 * options are wrong or the agent cannot start, with the error of a callback, and with `shutting_down` if the gateway
 * is closed first.
 */
export async function runSession(
  runs: Runs,
  message: string,
  options: RunSessionOptions = {},
): Promise<RunOutput> {
  const resolved = resolveRunOptions("runSession", options)
  const { stateDir, stateFile } = resolved
  const state = stateDir === undefined ? null : new RunState({ stateDir, stateFile })
  let note: string | undefined
  try {
    note = await state?.note()
  } catch (error) {
    return createOutputWithoutRun(toProblem(error))
  }
  const notes = [...resolved.notes, ...(note === undefined ? [] : [note])]
  const output = await follow(runs, message, { ...resolved, notes })
  return state === null || output.parked ? output : saveState(state, output)
}

/** Share of the time limit, because a run starts a moment after its time limit does. */
const lateShare = 0.9
/** Maximum process crashes of a job. A caller that restarts a job wants the job to continue. */
const maxJobCrashes = 100

async function follow(runs: Runs, message: string, options: ResolvedRunOptions): Promise<RunOutput> {
  const { signal, timeoutSeconds, maxTurns, maxBudgetUsd, onTextDiscarded } = options
  const { sessionId, externalId, jobId, agent, userId, tenant, context, onEvent, onText } = options
  const stop = new AbortController()
  const deadline = new Deadline(timeoutSeconds, stop)
  const abort = () => stop.abort(signal?.reason)
  signal?.addEventListener("abort", abort, { once: true })
  if (signal?.aborted === true) abort()
  const { failure, ...human } = createHumanNeeds(options, () => stop.abort())
  try {
    const run = await runs.run(message, {
      ...omitUndefined({ sessionId, externalId, jobId, agent, userId, tenant, context, onEvent, onText }),
      ...(onTextDiscarded !== undefined && { onRetry: onTextDiscarded }),
      notes: options.notes,
      backgroundWaitSeconds: options.backgroundWaitSeconds,
      ...human,
      limits: {
        maxTurns,
        ...(maxBudgetUsd !== undefined && { maxBudgetUsd }),
        ...(jobId !== undefined && { maxCrashes: maxJobCrashes }),
        announceUntil: Math.ceil(Date.now() + timeoutSeconds * 1_000),
      },
      signal: stop.signal,
    })
    const isCancelled = run.outcome === "interrupted" && run.reason === "cancelled"
    // The log does not contain the reason of a cancel. A run that was canceled at the end of its time exceeded its
    // time limit.
    const isLate = run.existed && run.endedAt - run.startedAt >= lateShare * timeoutSeconds * 1_000
    const output = toRunOutput(run, {
      timedOut: isCancelled && failure() === null && (deadline.isOver || isLate),
    })
    const needed = failure()
    return isCancelled && needed !== null ? { ...output, error: needed, errorCode: "human_needed" } : output
  } catch (error) {
    // The run could not be started, or its cancel could not be stored.
    if (error instanceof GatewayError && error.code === "store_unavailable")
      return createOutputWithoutRun(toProblem(error))
    // The run has not started yet.
    if (deadline.isOver) return createOutputWithoutRun({ timedOut: true })
    if (stop.signal.aborted && error === stop.signal.reason)
      return createOutputWithoutRun({
        error: "The run was canceled before it started.",
        errorCode: "cancelled",
      })
    if (
      !(error instanceof GatewayError) ||
      error instanceof ConfigurationError ||
      error.code === "shutting_down"
    )
      throw error
    return createOutputWithoutRun(toProblem(error))
  } finally {
    deadline.clear()
    signal?.removeEventListener("abort", abort)
  }
}

class Deadline {
  readonly #timer: NodeJS.Timeout
  #isOver = false

  constructor(seconds: number, stop: AbortController) {
    this.#timer = setTimeout(() => {
      // A run that is already canceled did not time out.
      this.#isOver = !stop.signal.aborted
      stop.abort()
    }, seconds * 1_000)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}

async function saveState(state: RunState, output: RunOutput): Promise<RunOutput> {
  try {
    const warning = await state.save(output)
    return warning === null ? output : { ...output, warnings: [...output.warnings, warning] }
  } catch (thrown) {
    const { error, errorCode } = toProblem(thrown)
    // The run's own problem takes precedence.
    if (output.error !== null) return { ...output, warnings: [...output.warnings, error] }
    return { ...output, error: `The run ended, but its state was not saved. ${error}`, errorCode }
  }
}

function toProblem(thrown: unknown): { readonly error: string; readonly errorCode: string } {
  const error = toError(thrown)
  const detail = error instanceof GatewayError && error.detail !== undefined ? ` (${error.detail})` : ""
  const { code } = error as { readonly code?: unknown }
  return { error: `${error.message}${detail}`, errorCode: typeof code === "string" ? code : "internal_error" }
}
