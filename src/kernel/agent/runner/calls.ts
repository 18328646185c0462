import type { ToolCallPart } from "../../../core/history/messages.ts"
import type { Event, ToolCallRequested } from "../../../core/log/entries.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { RunnerToolCall } from "../../../core/runs/runner.ts"
import type { RunnerRunContext } from "../run-context.ts"
import type { CallState } from "../tools/call-state.ts"

/**
 * Maximum bytes of one call's result. Longer results are truncated. The other framework has to bound its results
 * itself. The gateway only keeps them.
 */
export const maxToolResultBytes = 1_000_000

export function createRequestEvent(
  { ids }: RunnerRunContext,
  { stepId }: { readonly stepId: string },
  { call, callIndex }: { readonly call: RunnerToolCall; readonly callIndex: number },
): ToolCallRequested {
  const { id: runnerCallId, name, input } = call
  const requested = { stepId, toolCallId: ids.next("call"), name, input: toPlainJson(input), callIndex }
  return { type: "toolCallRequested", ...requested, runnerCallId, executionLocation: "backend" }
}

export function callPart({ toolCallId, name, input }: ToolCallRequested): ToolCallPart {
  return { type: "toolCall", toolCallId, name, input }
}

export function createCompletionEvent(
  { requested }: CallState,
  result: ToolResult,
  durationMs: number,
): Event {
  const { toolCallId, name, executionLocation } = requested
  return { type: "toolCallCompleted", toolCallId, name, result, durationMs, server: null, executionLocation }
}

/**
 * Returns the value as JSON. Throws if JSON cannot hold it, because this is a mistake of the runner that the store
 * should not have to find.
 */
export function toPlainJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value ?? null)) as Value
}
