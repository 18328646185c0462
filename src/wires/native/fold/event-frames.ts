import { formatDecider } from "../../../core/log/decider.ts"
import type {
  AppData,
  Event,
  InterceptorDecided,
  RunFailed,
  WaitOpened,
  WaitResolved,
} from "../../../core/log/entries.ts"
import { roundDollars, toWireUsage } from "../../../core/wire/usage.ts"
import type { Frame } from "../../../http/streams/wire.ts"
import { toWireApprover } from "../forms/approver.ts"
import { toUnixSeconds, toWireContent, toWireQuestion, toWireToolOutcome } from "../forms/content.ts"
import { createTaskCompletedEvent, createTaskRegisteredEvent } from "../forms/tasks.ts"
import type { ChatEvent } from "../schemas/events.ts"

const nothing: readonly Frame[] = []

/** Returns the frames of an event that is not part of a message's text. */
export function createEventFrames(
  event: Exclude<Event, { type: "messageCompleted" | "stepStarted" | "stepRetried" | "dataEmitted" }>,
): readonly Frame[] {
  switch (event.type) {
    case "runStarted":
    case "historyReplaced":
    case "historyForked":
    case "compactionStarted":
    case "compactionFailed":
    case "toolResultsShortened":
    case "toolCallStarted":
    case "modelCallFailed":
    case "outputRejected":
    case "runnerStateSaved":
    case "tasksCollected":
      return nothing
    case "historyCompacted":
      return [
        createFrame({
          type: "compaction",
          chars: event.summary.length,
          tokens_before: event.tokensBefore,
          tokens_after: event.tokensAfter,
        }),
      ]
    case "userMessageAdded":
      return [createFrame({ type: "user_message_added", content: event.content.map(toWireContent) })]
    case "runWithdrawn":
      return [createFrame({ type: "run_withdrawn", run_id: event.withdrawnRunId })]
    case "toolCallRequested":
      return [
        createFrame({
          type: "tool_call_start",
          tool_call_id: event.toolCallId,
          tool_name: event.name,
          tool_input: event.input,
          execution_location: event.executionLocation,
          call_index: event.callIndex,
        }),
      ]
    case "interceptorDecided":
      return [createFrame(createInterceptorDecision(event))]
    case "waitOpened":
      return renderOpened(event)
    case "waitResolved":
      return renderResolved(event)
    case "toolCallCompleted":
      return [
        createFrame({
          type: "tool_call_complete",
          tool_call_id: event.toolCallId,
          tool_name: event.name,
          ...toWireToolOutcome(event.result),
          duration_ms: event.durationMs,
          server: event.server,
          execution_location: event.executionLocation,
        }),
      ]
    case "toolCallInterrupted":
      return [
        createFrame({
          type: "tool_call_interrupted",
          tool_call_id: event.toolCallId,
          tool_name: event.name,
          reason: event.reason,
          outcome: event.outcome,
        }),
      ]
    case "taskRegistered":
      return [createFrame(createTaskRegisteredEvent(event))]
    case "taskEnded":
      return [createFrame(createTaskCompletedEvent(event))]
    case "stepCompleted":
      return [createFrame({ type: "turn_complete", turn: event.step, usage: toWireUsage(event) })]
    case "maxTurnsReached":
      return [
        createFrame({
          type: "max_turns_reached",
          turn_count: event.turnCount,
          max_turns: event.maxTurns,
          ...(event.summary !== undefined && { summary: event.summary }),
        }),
      ]
    case "budgetExceeded":
      return [
        createFrame({
          type: "budget_exceeded",
          total_cost: roundDollars(event.totalCost),
          budget: event.budget,
        }),
      ]
    case "runCompleted":
      return [
        createFrame({
          type: "stream_complete",
          usage: toWireUsage(event),
          terminal_disposition: event.disposition,
          ...(event.reason === null ? {} : { reason: event.reason }),
        }),
      ]
    case "runFailed":
      return [createErrorFrame(event, { providerErrors: false })]
    default:
      return event satisfies never
  }
}

/** If `providerErrors` is true, the frame has the provider's own message. */
export function createErrorFrame(
  { message, code, providerMessage }: RunFailed,
  { providerErrors }: { readonly providerErrors: boolean },
): Frame {
  const details = providerErrors && providerMessage !== undefined
  return createFrame({
    type: "error",
    error: message,
    code,
    ...(details && { provider_message: providerMessage }),
  })
}

export function createDataFrame(
  { toolCallId, name, value }: AppData,
  { runId, isTransient }: { readonly runId: string | null; readonly isTransient: boolean },
): Frame {
  const data = { tool_call_id: toolCallId, run_id: runId ?? "", name, value }
  return createFrame({ type: "data", ...data, ...(isTransient && { transient: true }) })
}

function createInterceptorDecision(event: InterceptorDecided): ChatEvent {
  return {
    type: "interceptor_decision",
    tool_call_id: event.toolCallId,
    tool_name: event.toolName,
    action: event.action,
    code: event.code,
    message: event.message,
  }
}

/** Returns the frames of an opened wait, for the kinds that a client can answer. */
function renderOpened(event: WaitOpened): readonly Frame[] {
  const { toolCallId: tool_call_id, toolName: tool_name, nonce, expiresAt } = event
  switch (event.kind) {
    case "approval":
      return [
        createFrame({
          type: "tool_approval_request",
          tool_call_id,
          ...toWireApprover(event),
          expires_at: toUnixSeconds(expiresAt),
          tool_name,
          server: event.origin?.server ?? null,
          tool_input: event.payload.input,
          resolved_qualifier: event.payload.qualifier,
          reason: event.payload.reason,
        }),
      ]
    case "clientTool":
      return [
        createFrame({
          type: "tool_call_start",
          tool_call_id,
          tool_name,
          tool_input: event.payload.input,
          execution_location: "client",
          call_index: event.payload.callIndex,
          nonce,
        }),
      ]
    case "elicitation":
      return [
        createFrame({
          type: "elicitation_request",
          tool_call_id,
          nonce,
          expires_at: toUnixSeconds(expiresAt),
          tool_name,
          server: event.payload.server,
          ...toWireQuestion(event.payload.question),
        }),
      ]
    case "child":
    case "timer":
      return nothing
    default:
      return event satisfies never
  }
}

function renderResolved(event: WaitResolved): readonly Frame[] {
  const { toolCallId: tool_call_id } = event
  const decided_by = formatDecider(event.decidedBy)
  switch (event.kind) {
    case "approval": {
      const { approved, editedInput } = event.resolution
      const edited = editedInput !== null
      return [createFrame({ type: "approval_resolved", tool_call_id, approved, edited, decided_by })]
    }
    case "elicitation": {
      const { action } = event.resolution
      return [createFrame({ type: "elicitation_resolved", tool_call_id, action, decided_by })]
    }
    case "clientTool":
    case "child":
    case "timer":
      return nothing
    default:
      return event satisfies never
  }
}

export function createFrame(event: ChatEvent): Frame {
  return JSON.stringify(event)
}

/** The frame in place of an entry that could not be rendered. */
export const failureFrame: Frame = createFrame({
  type: "stream_error",
  error: "An event could not be serialized.",
})
