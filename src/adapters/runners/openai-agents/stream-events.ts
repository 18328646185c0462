import type { RunnerEvent } from "../../../core/runs/runner.ts"
import type { Usage } from "../../../core/usage.ts"
import { countOf, listOf, parseInput, readFields, readText } from "../fields.ts"
import type { RunnerOptions } from "../runner-options.ts"
import { toToolResult } from "../tool-result.ts"

/** One event of the SDK's stream. The gateway uses only some kinds. */
export interface OpenAiAgentsEvent {
  readonly type: string
  /** Name of the run item. */
  readonly name?: string
  readonly item?: object
  /** Data of the raw model event. */
  readonly data?: object
}

/**
 * Creates a function that maps the events of one run. A call is reported when the model requests it, because the SDK
 * then executes it at once.
 */
export function createEventReader(
  options: RunnerOptions,
): (event: OpenAiAgentsEvent) => readonly RunnerEvent[] {
  let thinkingStreamed = false
  return (event) => {
    if (event.type === "raw_model_stream_event") {
      const events = toModelEvents(readFields(event.data), options)
      thinkingStreamed ||= events.some(({ type }) => type === "thinking")
      return events
    }
    if (event.type !== "run_item_stream_event") return []
    if (event.name === "reasoning_item_created" && thinkingStreamed) return []
    return toItemEvents(event.name, readFields(event.item))
  }
}

function toModelEvents(data: ReturnType<typeof readFields>, options: RunnerOptions): readonly RunnerEvent[] {
  switch (data.type) {
    case "output_text_delta":
      return createTextEvents("text", data.delta)
    case "model": {
      const { type, delta } = readFields(data.event)
      const isThinking =
        type === "response.reasoning_summary_text.delta" || type === "response.reasoning_text.delta"
      return isThinking ? createTextEvents("thinking", delta) : []
    }
    case "response_done": {
      const { usage, providerData } = readFields(data.response)
      const model = readText(readFields(providerData).model) ?? options.model
      const { priceList = "openai" } = options
      return [{ type: "usage", usage: toUsage(usage), priceList, ...(model === undefined ? {} : { model }) }]
    }
    default:
      return []
  }
}

function toItemEvents(name: string | undefined, item: ReturnType<typeof readFields>): readonly RunnerEvent[] {
  const raw = readFields(item.rawItem)
  const id = readText(raw.callId)
  switch (name) {
    case "tool_called":
    case "handoff_requested": {
      if (id === undefined) return []
      const toolName = readText(raw.name) ?? readText(raw.type) ?? "tool"
      return [{ type: "toolCall", id, name: toolName, input: parseInput(raw.arguments ?? raw.action) }]
    }
    case "tool_output":
    case "handoff_occurred":
      return id === undefined
        ? []
        : [{ type: "toolResult", id, result: toToolResult(item.output ?? raw.output) }]
    case "reasoning_item_created":
      return listOf(raw.content).flatMap((part) => createTextEvents("thinking", readFields(part).text))
    default:
      return []
  }
}

function createTextEvents(type: "text" | "thinking", text: unknown): readonly RunnerEvent[] {
  return typeof text === "string" ? [{ type, text }] : []
}

/** Returns the usage. The provider's input tokens include those read from its cache. */
function toUsage(usage: unknown): Usage {
  const { inputTokens, outputTokens, inputTokensDetails } = readFields(usage)
  const details = Array.isArray(inputTokensDetails) ? inputTokensDetails : [inputTokensDetails]
  const cached = details.reduce<number>((sum, entry) => sum + countOf(readFields(entry).cached_tokens), 0)
  return {
    inputTokens: Math.max(0, countOf(inputTokens) - cached),
    outputTokens: countOf(outputTokens),
    cacheCreationInputTokens: 0,
    cacheReadInputTokens: cached,
  }
}
