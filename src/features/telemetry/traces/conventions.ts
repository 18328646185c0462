import type { StopReason } from "../../../core/ports/model/provider.ts"
import type { EndedAttempt } from "../../../core/ports/observer.ts"

/**
 * The names of OpenTelemetry's semantic conventions for generative AI, whose status is "Development", and our own.
 * https://github.com/open-telemetry/semantic-conventions-genai
 */
export const names = {
  operation: "gen_ai.operation.name",
  agent: "gen_ai.agent.name",
  conversation: "gen_ai.conversation.id",
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  maxTokens: "gen_ai.request.max_tokens",
  finishReasons: "gen_ai.response.finish_reasons",
  firstChunkSeconds: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  tool: "gen_ai.tool.name",
  toolCall: "gen_ai.tool.call.id",
  toolType: "gen_ai.tool.type",
  errorType: "error.type",

  systemInstructions: "gen_ai.system_instructions",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  toolArguments: "gen_ai.tool.call.arguments",
  toolResult: "gen_ai.tool.call.result",

  run: "agent_gateway.run.id",
  outcome: "agent_gateway.outcome",
  reason: "agent_gateway.reason",
  attempt: "agent_gateway.attempt",
  purpose: "agent_gateway.purpose",
  estimated: "agent_gateway.usage.estimated",
  dollars: "agent_gateway.cost_dollars",
  server: "agent_gateway.mcp.server",
  waitKind: "agent_gateway.wait.kind",
  via: "agent_gateway.wait.via",
  answer: "agent_gateway.wait.answer",
  item: "agent_gateway.outbox.item",
  itemKind: "agent_gateway.outbox.kind",
} as const

export type Attributes = Readonly<Record<string, string | number | boolean | string[]>>

/** Returns the name of the provider's wire format, as the conventions define it. */
export function toProviderName(provider: string | null): string {
  if (provider === null) return "unknown"
  return provider.startsWith("openai") ? "openai" : provider
}

const finishReasons: Readonly<Record<StopReason, string>> = {
  end: "stop",
  toolCalls: "tool_call",
  maxTokens: "length",
  pause: "pause",
  refusal: "content_filter",
  contentFilter: "content_filter",
  contextFull: "length",
  cancelled: "cancelled",
}

export function toFinishReason(reason: StopReason): string {
  return finishReasons[reason]
}

/** Returns the tokens of an attempt. By the conventions, input tokens include those of the cache. */
export function toUsageAttributes({ usage, cost, estimated }: EndedAttempt): Attributes {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens, reasoningTokens } = usage
  return {
    [names.inputTokens]: inputTokens + cacheReadInputTokens + cacheCreationInputTokens,
    [names.outputTokens]: outputTokens,
    [names.cacheReadTokens]: cacheReadInputTokens,
    [names.cacheCreationTokens]: cacheCreationInputTokens,
    ...(reasoningTokens !== undefined && { [names.reasoningTokens]: reasoningTokens }),
    ...(estimated && { [names.estimated]: true }),
    ...(cost !== null && { [names.dollars]: cost }),
  }
}
