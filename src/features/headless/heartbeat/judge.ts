import { toError } from "../../../core/errors.ts"
import type { RunOutput } from "../run/run-output.ts"
import { stripHeartbeatOk } from "./quiet.ts"
import type { TickOutcome } from "./state.ts"

export interface Judgment {
  readonly outcome: TickOutcome
  readonly error: string | null
  readonly strippedResponse: string
}

/** Decides the result of a heartbeat's run. */
export function judge(output: RunOutput, quietThreshold: number): Judgment {
  const { text, hasToken } = stripHeartbeatOk(output.response)
  // Code without types may return an `Error`, and the state file could not be read again.
  if (output.error != null && typeof output.error !== "string")
    throw new TypeError("The output of a tick has an error that is not a text.")
  const error = output.error ?? (output.timedOut ? "The run timed out." : null)
  return {
    outcome: judgeOutcome(output, { error, isQuiet: hasToken && text.length <= quietThreshold }),
    error,
    strippedResponse: text,
  }
}

function judgeOutcome(
  output: RunOutput,
  { error, isQuiet }: { readonly error: string | null; readonly isQuiet: boolean },
): TickOutcome {
  if (error !== null) return "error"
  if (output.budgetExceeded) return "budget_exceeded"
  if (output.maxTurnsReached) return "max_turns_reached"
  if (output.parked) return "parked"
  return isQuiet ? "quiet" : "alert"
}

/** Decides the result of a run that rejected. */
export function judgeFailure(thrown: unknown): Judgment {
  return { outcome: "error", error: toError(thrown).message, strippedResponse: "" }
}
