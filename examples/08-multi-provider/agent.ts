import { createGatewayApp, createLogger, openAiChatProvider, type ProviderChoice } from "ai-agent-gateway"

const { ANTHROPIC_API_KEY, OPENAI_API_KEY, LOCAL_MODEL, LOCAL_URL } = process.env
const logger = createLogger()

interface Offer {
  readonly provider: ProviderChoice
  readonly model: string
}

// The providers that this server can offer, best first. No user should wait for a provider without a key.
const offers: readonly Offer[] = [
  ...(ANTHROPIC_API_KEY ? [{ provider: "anthropic", model: "claude-sonnet-5-5" } as const] : []),
  ...(OPENAI_API_KEY
    ? [
        { provider: "openai", model: "gpt-6-sol" } as const,
        { provider: "openai", model: "gpt-6-luna" } as const,
      ]
    : []),
  ...(LOCAL_MODEL ? [{ provider: localServer(LOCAL_URL), model: LOCAL_MODEL }] : []),
  // Answers, if all others fail, that it is no model. It needs no key, so that this example starts without any.
  { provider: "demo", model: "demo" },
]

/** Ollama, unless LOCAL_URL says where another server of Chat Completions is. Its tokens cost nothing. */
function localServer(baseURL = "http://127.0.0.1:11434/v1"): ProviderChoice {
  return openAiChatProvider({ baseURL, priceList: "free" })
}

// The model of a channel where the client does not choose one. Others get the best.
const preferred: Readonly<Record<string, string>> = { voice: "gpt-6-luna", internal: LOCAL_MODEL ?? "demo" }

export default createGatewayApp({
  name: "multi-provider",
  logger,
  // Clients may ask for any of them by `model`.
  allowedModels: offers.map(({ model }) => model),

  buildChatRuntime({ channel, model }) {
    const wanted = model ?? preferred[channel ?? ""]
    const first = offers.find((offer) => offer.model === wanted) ?? offers[0]
    return {
      systemPrompt: "You are a helpful assistant. Be brief.",
      ...first,
      fallback: offers.filter((offer) => offer !== first),
      // No run may cost more than a quarter of a dollar, whichever of them answers.
      maxBudgetUsd: 0.25,
      maxTokens: 4_000,
      maxRetries: 1,
      stallTimeoutSeconds: 30,
    }
  },

  onUsage: ({ id, model, usage, cost, estimated, failed }) =>
    logger.info({ id, model, ...usage, cost, estimated, failed }, "usage"),
})
