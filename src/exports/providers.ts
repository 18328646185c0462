/**
 * Providers of models, and their prices.
 *
 * @module providers
 */

export type { EmbeddingProvider } from "../core/ports/model/embeddings.ts"
export type {
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
export type { ModelPrice } from "../pricing/compute-cost.ts"
export type { PriceOverrides } from "../pricing/create-pricing.ts"
export { type CostQuery, estimateCost, getModelInfo, type ModelInfo } from "../pricing/model-info.ts"
export type { PriceOptions } from "../pricing/options.ts"
export { aiSdkProvider } from "../providers/ai-sdk/ai-sdk-provider.ts"
export type { AiSdkModel, AiSdkOptions } from "../providers/ai-sdk/options.ts"
export { anthropicProvider } from "../providers/anthropic/anthropic-provider.ts"
export type { AnthropicOptions, AnthropicThinking, LoadAnthropicSdk } from "../providers/anthropic/options.ts"
export type { ProviderChoice, ProviderOptions } from "../providers/choose/choose-provider.ts"
export type { FallbackChoice } from "../providers/choose/fallback-models.ts"
export type {
  NamedProviderOptions,
  ProviderConfig,
  ProviderName,
} from "../providers/choose/named-provider.ts"
export type { ModelOptions } from "../providers/choose/options.ts"
export { type DemoProviderOptions, demoProvider } from "../providers/demo/demo-provider.ts"
export { openAiChatProvider } from "../providers/openai/openai-chat-provider.ts"
export { openAiProvider } from "../providers/openai/openai-provider.ts"
export type {
  LoadOpenAiSdk,
  OpenAiChatOptions,
  OpenAiConnectionOptions,
  OpenAiOptions,
  OpenAiReasoning,
  ReasoningField,
} from "../providers/openai/options.ts"
