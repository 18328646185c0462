import { createGatewayApp, createLogger, openAiChatProvider, type ProviderChoice } from "ai-agent-gateway"

const { ANTHROPIC_API_KEY, OPENAI_API_KEY, LOCAL_MODEL, LOCAL_URL } = process.env
const logger = createLogger()

interface Offer {
  readonly provider: ProviderChoice
  readonly model: string
}

// The models that this server can offer, best first. A provider without a key is left out.
const offers: readonly Offer[] = [
  ...(ANTHROPIC_API_KEY ? [{ provider: "anthropic", model: "claude-sonnet-5-5" } as const] : []),
  ...(OPENAI_API_KEY
    ? [
        { provider: "openai", model: "gpt-6-sol" } as const,
        { provider: "openai", model: "gpt-6-luna" } as const,
      ]
    : []),
  ...(LOCAL_MODEL ? [{ provider: localServer(LOCAL_URL), model: LOCAL_MODEL }] : []),
  // If all others fail, the demo responds that it is not a model. It needs no key, so this example starts without
  // one.
  { provider: "demo", model: "demo" },
]

/** Returns Ollama, or another server with the Chat Completions API if LOCAL_URL is set. Its tokens are free. */
function localServer(baseURL = "http://127.0.0.1:11434/v1"): ProviderChoice {
  return openAiChatProvider({ baseURL, priceList: "free" })
}

// The model of a channel if the client does not choose one. Other channels use the best model.
const preferred: Readonly<Record<string, string>> = { voice: "gpt-6-luna", internal: LOCAL_MODEL ?? "demo" }

export default createGatewayApp({
  name: "multi-provider",
  logger,
  // Clients may request any of these models with `model`.
  allowedModels: offers.map(({ model }) => model),

  buildChatRuntime({ channel, model }) {
    const wanted = model ?? preferred[channel ?? ""]
    const first = offers.find((offer) => offer.model === wanted) ?? offers[0]
    return {
      systemPrompt: "You are a helpful assistant. Be brief.",
      ...first,
      fallback: offers.filter((offer) => offer !== first),
      // A run may cost at most a quarter of a dollar with any of these models.
      maxBudgetUsd: 0.25,
      maxTokens: 4_000,
      maxRetries: 1,
      stallTimeoutSeconds: 30,
    }
  },

  onUsage: ({ id, model, usage, cost, estimated, failed }) =>
    logger.info({ id, model, ...usage, cost, estimated, failed }, "usage"),
})
