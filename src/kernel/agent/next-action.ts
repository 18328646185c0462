import type { JsonObject } from "../../core/json/json.ts"
import type { StepStarted, TerminalEvent } from "../../core/log/entries.ts"
import type { StopReason } from "../../core/ports/model/provider.ts"
import type { DirectCall } from "../../core/runs/direct-call.ts"
import type { Spending } from "../../core/usage.ts"
import type { RunState } from "./run-state.ts"
import { type CallState, waitsForClient } from "./tools/call-state.ts"

/** The next action of a run. It depends on the log alone, so it is the same after a crash. */
export type Action =
  | { readonly type: "startStep"; readonly step: number }
  /** Requests the call of a run without a model. */
  | { readonly type: "requestCall"; readonly call: DirectCall }
  /** Repeats a model call whose response was lost. */
  | { readonly type: "repeatStep"; readonly step: StepStarted; readonly attempt: number }
  | { readonly type: "settleCalls"; readonly calls: readonly CallState[] }
  | { readonly type: "completeStep" }
  /** Ends a run whose calls wait for a client that sends their results in another conversation. */
  | { readonly type: "handOverCalls" }
  /** Validates the complete response against the requested schema. */
  | { readonly type: "checkOutput"; readonly schema: JsonObject }
  | { readonly type: "stopAtMaxTurns"; readonly turnCount: number; readonly maxTurns: number }
  | { readonly type: "finish"; readonly event: TerminalEvent }

/** Bounds the cost of a model that is truncated in every call, or of a provider that always requests another call. */
const maxFruitlessSteps = 10

export function decideNextAction(run: RunState, maxTurns: number | null): Action {
  const { phase } = run
  switch (phase.type) {
    case "calling":
      return { type: "repeatStep", step: phase.step, attempt: phase.attempt }
    case "settling": {
      const open = [...phase.calls.values()].filter((call) => call.state !== "settled")
      if (open.length === 0) return { type: "completeStep" }
      const isHandedOver = run.started.handsOverCalls === true && open.every(waitsForClient)
      return isHandedOver ? { type: "handOverCalls" } : { type: "settleCalls", calls: open }
    }
    case "ready": {
      const { call, outputSchema } = run.started
      if (call !== undefined && run.steps === 0) return { type: "requestCall", call }
      if (phase.stopReason === "end" && outputSchema !== null) {
        return { type: "checkOutput", schema: outputSchema }
      }
      const end = phase.stopReason === null ? null : endOfRun(phase.stopReason, run.spent)
      if (end !== null) return { type: "finish", event: end }
      if (run.fruitlessSteps >= maxFruitlessSteps)
        return { type: "finish", event: createNoProgress(run.spent) }
      if (maxTurns !== null && run.steps >= maxTurns) {
        return { type: "stopAtMaxTurns", turnCount: run.steps, maxTurns }
      }
      return { type: "startStep", step: run.steps + 1 }
    }
    default:
      return phase satisfies never
  }
}

function createNoProgress(spent: Spending): TerminalEvent {
  const message = `The model paused or requested unreadable calls ${maxFruitlessSteps} times in a row.`
  return { type: "runFailed", code: "no_progress", message, ...spent }
}

/** Returns the event that ends a run after a step with this stop reason. Null if the run continues. */
export function endOfRun(stopReason: StopReason, spent: Spending): TerminalEvent | null {
  switch (stopReason) {
    case "toolCalls":
    case "pause":
      return null
    case "end":
      return { type: "runCompleted", disposition: "completed", reason: null, ...spent }
    case "maxTokens":
      return { type: "runCompleted", disposition: "interrupted", reason: "max_tokens", ...spent }
    case "cancelled":
      return { type: "runCompleted", disposition: "interrupted", reason: "cancelled", ...spent }
    case "refusal":
      return { type: "runFailed", code: "model_refused", message: "The model declined to answer.", ...spent }
    case "contentFilter":
      return {
        type: "runFailed",
        code: "content_filtered",
        message: "The provider's content filter withheld the response.",
        ...spent,
      }
    case "contextFull":
      return createTooLongEvent(spent)
    default:
      return stopReason satisfies never
  }
}

/** Returns the end of a run whose last turn alone exceeds the model's context window. */
export function createTooLongEvent(spent: Spending): TerminalEvent {
  return {
    type: "runFailed",
    code: "context_too_long",
    message:
      "The conversation no longer fits the model's context window. Send a shorter message, or start a new session.",
    ...spent,
  }
}
