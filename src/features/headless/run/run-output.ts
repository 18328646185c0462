import { explainFailure } from "../../../core/runs/explain-failure.ts"
import { type Cost, noUsage, type Usage } from "../../../core/usage.ts"
import type { FinishedRun } from "../runs.ts"

/** The result of a run without a client. */
export interface RunOutput {
  /** Text of the last assistant message. */
  readonly response: string
  /** Texts of all assistant messages of the run, with a blank line between them. */
  readonly transcript: string
  /** Names of the tools that the model called, without repetitions. */
  readonly toolsUsed: readonly string[]
  readonly usage: Usage
  /** US dollars. Null if the price of a model is not known. */
  readonly cost: Cost
  /**
   * Reason why the run has no complete response, with the provider's own message if a model call failed. Null if the
   * response is complete, or if one of the next three is true.
   */
  readonly error: string | null
  /** Stable name of the error. Null if there is none. */
  readonly errorCode: string | null
  /** If true, the run was canceled because it exceeded its time limit. */
  readonly timedOut: boolean
  /** If true, the run ended because the next model call could have exceeded its budget. */
  readonly budgetExceeded: boolean
  /** If true, the run ended because it reached its maximum number of turns. */
  readonly maxTurnsReached: boolean
  /** Text that `onMaxTurns` returned for the end of the run. Null if it returned none. */
  readonly summary: string | null
  /** If true, the run is open and waits for a person. */
  readonly parked: boolean
  /**
   * Names of the sub-agents whose background tasks were canceled, because they still ran `backgroundWaitSeconds` after
   * the end of the run.
   */
  readonly cancelledTasks: readonly string[]
  /** Null if no run was started. */
  readonly sessionId: string | null
  readonly runId: string | null
  /** Name of the last model that responded, as its provider reports it. Null if none did. */
  readonly model: string | null
  /** Times in milliseconds since the Unix epoch. Null if no run was started. */
  readonly startedAt: number | null
  readonly endedAt: number | null
  /** Sentences about problems that did not end the run, for example a state update that is not JSON. */
  readonly warnings: readonly string[]
}

/** The outcome of a run in one word. */
export type RunOutcome = "success" | "error" | "budget_exceeded" | "max_turns" | "timeout" | "parked"

const exitCodes: Readonly<Record<RunOutcome, number>> = {
  success: 0,
  error: 1,
  budget_exceeded: 2,
  max_turns: 3,
  // `EX_TEMPFAIL` of sysexits.h: start the same job again later.
  parked: 75,
  // This is the code of `timeout(1)`.
  timeout: 124,
}

/** Returns the exit code of a process that did this run. */
export function runOutputExitCode(output: RunOutput): number {
  return exitCodes[runOutputOutcome(output)]
}

export function runOutputOutcome(output: RunOutput): RunOutcome {
  if (output.timedOut) return "timeout"
  if (output.error !== null) return "error"
  if (output.budgetExceeded) return "budget_exceeded"
  if (output.maxTurnsReached) return "max_turns"
  return output.parked ? "parked" : "success"
}

const noRun: RunOutput = {
  response: "",
  transcript: "",
  toolsUsed: [],
  usage: noUsage,
  cost: 0,
  error: null,
  errorCode: null,
  timedOut: false,
  budgetExceeded: false,
  maxTurnsReached: false,
  summary: null,
  parked: false,
  cancelledTasks: [],
  sessionId: null,
  runId: null,
  model: null,
  startedAt: null,
  endedAt: null,
  warnings: [],
}

/** Returns an output for a run that was not started, or cannot be followed any more. */
export function createOutputWithoutRun(problem: Partial<RunOutput>): RunOutput {
  return { ...noRun, ...problem }
}

export function toRunOutput(run: FinishedRun, { timedOut }: { readonly timedOut: boolean }): RunOutput {
  const {
    response,
    transcript,
    toolsUsed,
    usage,
    cost,
    sessionId,
    runId,
    model,
    startedAt,
    endedAt,
    reason,
    summary = null,
    cancelledTasks = [],
  } = run
  const error = timedOut ? null : toRunError(run)
  return {
    ...{ response, transcript, toolsUsed, usage, cost, sessionId, runId, model, startedAt, endedAt },
    error: error === null ? null : explainFailure(error),
    errorCode: error?.code ?? null,
    timedOut,
    budgetExceeded: reason === "budget",
    maxTurnsReached: reason === "max_turns",
    summary,
    parked: run.outcome === "parked",
    cancelledTasks,
    // The tasks of a canceled run are canceled with it.
    warnings: cancelledTasks.length === 0 || reason === "cancelled" ? [] : [warnOfTasks(cancelledTasks)],
  }
}

function warnOfTasks(names: readonly string[]): string {
  const which = names.length === 1 ? "1 background task" : `${names.length} background tasks`
  return (
    `${which} still worked after the end of the run and ${names.length === 1 ? "was" : "were"} canceled: ` +
    `${names.join(", ")}. To wait longer, raise backgroundWaitSeconds, or tell the agent to collect their results.`
  )
}

type RunError = NonNullable<FinishedRun["error"]>

function toRunError({ error, outcome, reason }: FinishedRun): RunError | null {
  if (error !== null) return error
  if (outcome !== "interrupted" || reason === "budget" || reason === "max_turns") return null
  return createInterruption(reason)
}

/** Describes why a run ended before its response was complete. */
export function createInterruption(reason: string | null): RunError {
  if (reason === "cancelled") return { code: "cancelled", message: "The run was canceled." }
  if (reason === "max_tokens")
    return { code: "max_tokens", message: "The model's response reached maxTokens and is not complete." }
  const code = reason ?? "interrupted"
  return { code, message: `The run was interrupted: ${code}.` }
}
