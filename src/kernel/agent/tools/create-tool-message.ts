import type { ToolMessage } from "../../../core/history/messages.ts"
import { createInterruptedResult } from "../conversation-notes.ts"
import { type CallState, readOutcome } from "./call-state.ts"

/**
 * Returns the tool message of a step. A call without a result belongs to a failed run, because a cancel marks its own
 * calls.
 */
export function createToolMessage(calls: readonly CallState[]): ToolMessage {
  const inOrder = [...calls].sort((left, right) => left.requested.callIndex - right.requested.callIndex)
  return {
    role: "tool",
    results: inOrder.map((call) => ({
      toolCallId: call.requested.toolCallId,
      result: call.result ?? createInterruptedResult("failed", readOutcome(call)),
    })),
  }
}
