import type { Event, ToolCallRequested } from "../../core/log/entries.ts"
import type { ToolCallPart } from "../../core/messages.ts"
import type { ToolResult } from "../../core/ports/tool.ts"
import type { RunnerToolCall } from "../../core/runner.ts"
import type { RunnerRunContext } from "../run-context.ts"
import type { CallState } from "../tools/call-state.ts"

/**
 * Bytes past which one call's result is truncated. Bounding results is the other framework's task; the gateway only
 * keeps them.
 */
export const maxToolResultBytes = 1_000_000

export function requestedCall(
  { ids }: RunnerRunContext,
  { stepId }: { readonly stepId: string },
  { call, callIndex }: { readonly call: RunnerToolCall; readonly callIndex: number },
): ToolCallRequested {
  const { id: runnerCallId, name, input } = call
  const requested = { stepId, toolCallId: ids.next("call"), name, input: plainJson(input), callIndex }
  return { type: "toolCallRequested", ...requested, runnerCallId, executionLocation: "backend" }
}

export function callPart({ toolCallId, name, input }: ToolCallRequested): ToolCallPart {
  return { type: "toolCall", toolCallId, name, input }
}

export function settledCall({ requested }: CallState, result: ToolResult, durationMs: number): Event {
  const { toolCallId, name, executionLocation } = requested
  return { type: "toolCallCompleted", toolCallId, name, result, durationMs, server: null, executionLocation }
}

/**
 * As JSON has it. Throws for what JSON cannot hold: the runner's mistake, and not to be found out by the
 * store.
 */
export function plainJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value ?? null)) as Value
}
