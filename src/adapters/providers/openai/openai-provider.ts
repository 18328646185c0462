import type { Provider } from "../../../core/ports/model/provider.ts"
import { callLimits } from "../transport/call-limits.ts"
import { findHostTraits } from "./chat/hosts.ts"
import { createLazyConnection, importSdk, openAiAddress } from "./connection.ts"
import { defaultModel } from "./default-model.ts"
import { checkOptions, type LoadOpenAiSdk, type OpenAiOptions } from "./options.ts"
import { listThinkingLevels } from "./reasoning-models.ts"
import { createResponsesRequest } from "./responses/request.ts"
import { ResponseFold } from "./responses/response-fold.ts"
import { type OpenAiCall, streamOpenAiAnswer } from "./stream-answer.ts"
import { compatibleToolRules, openAiToolRules } from "./tool-rules.ts"
import { createVendorTag } from "./vendor-tag.ts"

const name = "openai"

/**
 * A provider for OpenAI's models that uses the Responses API and the official SDK, `openai`. `prepare` or the first
 * call loads the SDK. If it is not installed, that throws a `ConfigurationError`.
 *
 * @param load Loads the SDK.
 * @throws ConfigurationError if options are unknown or wrong.
 */
export function openAiProvider(options: OpenAiOptions, load: LoadOpenAiSdk = importSdk): Provider {
  checkOptions(options)
  const connected = createLazyConnection("/responses", options, load)
  const { baseURL = openAiAddress } = options
  const vendor = createVendorTag(name, baseURL)
  const { priceList } = findHostTraits(baseURL)
  return {
    name,
    defaultModel,
    ...(priceList !== undefined && { priceList }),
    ...callLimits(baseURL, options.timeoutMs),
    toolRules: findHostTraits(baseURL).ownToolRules ? openAiToolRules : compatibleToolRules,
    thinkingLevels: listThinkingLevels,
    async prepare() {
      await connected()
    },
    stream(request, callOptions) {
      const call: OpenAiCall = {
        request,
        fold: new ResponseFold(vendor),
        createContent: () => createResponsesRequest(request, options, vendor),
      }
      return streamOpenAiAnswer(connected, call, callOptions)
    },
  }
}
