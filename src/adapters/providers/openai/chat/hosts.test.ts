import { findProvider } from "@pydantic/genai-prices"
import { expect, test } from "vitest"
import { openAiChatProvider } from "../openai-chat-provider.ts"
import { openAiProvider } from "../openai-provider.ts"
import { findHostTraits } from "./hosts.ts"

test.each([
  "https://api.openai.com/v1",
  "https://openrouter.ai/api/v1",
  "https://api.deepseek.com",
  "https://api.mistral.ai/v1",
  "https://api.x.ai/v1",
  "https://api.groq.com/openai/v1",
  "https://api.moonshot.ai/v1",
  "https://api.cerebras.ai/v1",
  "https://api.together.xyz/v1",
  "https://api.fireworks.ai/inference/v1",
  "https://api.perplexity.ai",
  "https://api.novita.ai/v3/openai",
  "https://api.cohere.ai/compatibility/v1",
  "https://api.z.ai/api/paas/v4",
  "https://generativelanguage.googleapis.com/v1beta/openai",
  "https://some.openai.azure.com/openai/v1",
])("the price list of %s is the one that knows the address", (baseURL) => {
  const { priceList } = findHostTraits(baseURL)
  expect(priceList).toBeDefined()
  expect(findProvider({ providerId: String(priceList) })?.id).toBe(
    findProvider({ providerApiUrl: baseURL })?.id,
  )
})

test.each(["http://127.0.0.1:11434/v1", "http://localhost:8000/v1", "https://api.openai.com.example/v1"])(
  "%s has no price list",
  (baseURL) => {
    expect(openAiChatProvider({ baseURL })).not.toHaveProperty("priceList")
    expect(openAiProvider({ baseURL })).not.toHaveProperty("priceList")
    expect(openAiChatProvider({ baseURL, priceList: "free" }).priceList).toBe("free")
  },
)

test("an address in a provider's region belongs to that provider", () => {
  expect(openAiProvider({ apiKey: "k", baseURL: "https://eu.api.openai.com/v1" }).priceList).toBe("openai")
})
