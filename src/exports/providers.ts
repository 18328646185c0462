/**
 * Providers of models, and their prices.
 *
 * @module providers
 */

export { aiSdkProvider } from "../adapters/providers/ai-sdk/ai-sdk-provider.ts"
export type { AiSdkModel, AiSdkOptions } from "../adapters/providers/ai-sdk/options.ts"
export { anthropicProvider } from "../adapters/providers/anthropic/anthropic-provider.ts"
export type {
  AnthropicOptions,
  AnthropicThinking,
  LoadAnthropicSdk,
} from "../adapters/providers/anthropic/options.ts"
export type { ProviderChoice, ProviderOptions } from "../adapters/providers/choose/choose-provider.ts"
export type { FallbackChoice } from "../adapters/providers/choose/fallback-models.ts"
export type {
  NamedProviderOptions,
  ProviderConfig,
  ProviderName,
} from "../adapters/providers/choose/named-provider.ts"
export type { ModelOptions } from "../adapters/providers/choose/options.ts"
export { type DemoProviderOptions, demoProvider } from "../adapters/providers/demo/demo-provider.ts"
export { openAiChatProvider } from "../adapters/providers/openai/openai-chat-provider.ts"
export { openAiProvider } from "../adapters/providers/openai/openai-provider.ts"
export type {
  LoadOpenAiSdk,
  OpenAiChatOptions,
  OpenAiConnectionOptions,
  OpenAiOptions,
  OpenAiReasoning,
  ReasoningField,
} from "../adapters/providers/openai/options.ts"
export type { CallRecord, ReceivedResponse, SentRequest } from "../core/ports/model/call-record.ts"
export type { EmbeddingProvider } from "../core/ports/model/embeddings.ts"
export type {
  ModelCallOptions,
  ModelChoice,
  ModelDelta,
  ModelEnd,
  ModelEvent,
  ModelFailure,
  ModelInputDelta,
  ModelProgress,
  ModelRequest,
  Provider,
  StopReason,
  SystemBlock,
  ToolSpecification,
} from "../core/ports/model/provider.ts"
export type { ThinkingLevel } from "../core/thinking-level.ts"
export type { ModelPrice } from "../kernel/pricing/compute-cost.ts"
export type { PriceOverrides } from "../kernel/pricing/create-pricing.ts"
export { type CostQuery, estimateCost, getModelInfo, type ModelInfo } from "../kernel/pricing/model-info.ts"
export type { PriceOptions } from "../kernel/pricing/options.ts"
