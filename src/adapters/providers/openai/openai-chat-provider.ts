import { ConfigurationError } from "../../../core/errors.ts"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { callLimits } from "../transport/call-limits.ts"
import { ChatFold } from "./chat/chat-fold.ts"
import { findHostTraits, type HostTraits } from "./chat/hosts.ts"
import { createChatRequest } from "./chat/request.ts"
import { listThinkingLevels } from "./chat/thinking.ts"
import { createLazyConnection, importSdk, openAiAddress } from "./connection.ts"
import { defaultModel } from "./default-model.ts"
import { checkChatOptions, type LoadOpenAiSdk, type OpenAiChatOptions } from "./options.ts"
import { type OpenAiCall, streamOpenAiAnswer } from "./stream-answer.ts"
import { compatibleToolRules, openAiToolRules } from "./tool-rules.ts"
import { createVendorTag } from "./vendor-tag.ts"

const name = "openai-chat"

/**
 * A provider for any service with OpenAI's Chat Completions API: Ollama, vLLM, LM Studio, OpenRouter, DeepSeek,
 * Mistral … It uses the official SDK, `openai`, which `prepare` or the first call loads. If the SDK is not installed,
 * that throws a `ConfigurationError`, and so does a call without a model if there is no default.
 *
 * @param load Loads the SDK.
 * @throws ConfigurationError if options are unknown or wrong.
 */
export function openAiChatProvider(options: OpenAiChatOptions, load: LoadOpenAiSdk = importSdk): Provider {
  checkChatOptions(options)
  const { baseURL = openAiAddress, extraBody } = options
  const host = findHostTraits(baseURL)
  const traits: HostTraits = { ...host, ...readChosenTraits(options) }
  const vendor = createVendorTag(name, baseURL)
  const connected = createLazyConnection("/chat/completions", options, load)
  return {
    name,
    defaultModel: options.defaultModel ?? (host.priceList === "openai" ? defaultModel : ""),
    ...(traits.priceList !== undefined && { priceList: traits.priceList }),
    ...callLimits(baseURL, options.timeoutMs),
    toolRules: traits.ownToolRules ? openAiToolRules : compatibleToolRules,
    thinkingLevels: (model) => listThinkingLevels(traits.thinking, model),
    async prepare() {
      await connected()
    },
    stream(request, callOptions) {
      if (request.model === "") throw new ConfigurationError(missingModel)
      const call: OpenAiCall = {
        request,
        fold: new ChatFold(vendor),
        createContent: () => createChatRequest(request, traits, { vendor, extraBody }),
      }
      return streamOpenAiAnswer(connected, call, callOptions)
    },
  }
}

const missingModel = "OpenAI chat provider: name the agent's model, or give the option defaultModel."

/** Returns the traits that the options set themselves. */
function readChosenTraits(options: OpenAiChatOptions): Partial<HostTraits> {
  const { priceList, maxTokensField, streamUsage, structuredOutputs, sendReasoning } = options
  return {
    ...(priceList !== undefined && { priceList }),
    ...(maxTokensField !== undefined && { maxTokensField }),
    ...(streamUsage !== undefined && { streamUsage }),
    ...(structuredOutputs !== undefined && { structuredOutputs }),
    ...(sendReasoning !== undefined && { sendReasoning }),
  }
}
