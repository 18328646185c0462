import { toError } from "../../../core/errors.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { RunnerEvent, RunnerToolCall } from "../../../core/runs/runner.ts"
import type { Usage } from "../../../core/usage.ts"
import { countOf, type Fields, parseInput, readFields, readText } from "../fields.ts"
import type { RunnerOptions } from "../runner-options.ts"
import { toToolResult } from "../tool-result.ts"
import { executionStart } from "./execution-starts.ts"

/** Returns the call that the model requested. */
export function callOf(part: Fields): RunnerToolCall {
  const { toolCallId, toolName, input } = part
  return { type: "toolCall", id: String(toolCallId), name: String(toolName), input: parseInput(input) }
}

/**
 * Yields the events of one part of the stream. `requested` are the calls that the model requested and that are not
 * reported yet. Each is reported when its execution starts, or with its result if that comes first.
 */
export function* toRunnerEvents(
  part: Fields,
  requested: Map<string, RunnerToolCall>,
  options: RunnerOptions,
): Iterable<RunnerEvent> {
  const id = String(part.toolCallId)
  switch (part.type) {
    case "text-delta":
      yield { type: "text", text: readText(part.text) ?? "" }
      return
    case "reasoning-delta":
      yield { type: "thinking", text: readText(part.text) ?? "" }
      return
    case "finish-step":
      yield createUsageEvent(part, options)
      return
    case "tool-call":
      requested.set(id, callOf(part))
      return
    case executionStart:
      yield* reportCall(id, requested)
      return
    case "tool-result":
    case "tool-error":
    case "tool-output-denied":
      // The final result follows a preliminary one.
      if (part.preliminary === true) return
      yield* reportCall(id, requested)
      yield { type: "toolResult", id, result: toOutcome(part) }
  }
}

function* reportCall(id: string, requested: Map<string, RunnerToolCall>): Iterable<RunnerEvent> {
  const call = requested.get(id)
  requested.delete(id)
  if (call !== undefined) yield call
}

function toOutcome(part: Fields): ToolResult {
  if (part.type === "tool-result") return toToolResult(part.output)
  if (part.type === "tool-error") {
    return { type: "error", code: "tool_failed", message: toError(part.error).message }
  }
  return { type: "error", code: "denied", message: "The agent's policy denied this call." }
}

function createUsageEvent({ response, usage }: Fields, options: RunnerOptions): RunnerEvent {
  const model = options.model ?? readText(readFields(response).modelId)
  const { priceList } = options
  return {
    type: "usage",
    usage: toUsage(usage),
    ...(model === undefined ? {} : { model }),
    ...(priceList === undefined ? {} : { priceList }),
  }
}

function toUsage(usage: unknown): Usage {
  const { inputTokens, inputTokenDetails, outputTokens } = readFields(usage)
  const details = readFields(inputTokenDetails)
  const [read, written] = [countOf(details.cacheReadTokens), countOf(details.cacheWriteTokens)]
  return {
    inputTokens: Math.max(0, countOf(inputTokens) - read - written),
    outputTokens: countOf(outputTokens),
    cacheCreationInputTokens: written,
    cacheReadInputTokens: read,
  }
}
