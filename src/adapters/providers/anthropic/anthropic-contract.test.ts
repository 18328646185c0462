import { afterEach, describe, test } from "vitest"
import { providerContract } from "../../../testing/provider/contract.ts"
import type { ProviderHarness } from "../../../testing/provider/harness.ts"
import { anthropicProvider } from "./anthropic-provider.ts"
import { createAnthropicHarness } from "./fixtures/anthropic-harness.ts"

let harness: ProviderHarness | undefined

afterEach(async () => {
  await harness?.close()
})

// The API can refuse to respond, which is another stop reason. It has no content filter.
const cases = providerContract.filter(({ needs }) => needs !== "contentFilter")

describe("the provider contract, kept by Anthropic", () => {
  test.each(cases)("$name", async ({ run }) => {
    harness = await createAnthropicHarness(({ apiKey, url }) => anthropicProvider({ apiKey, baseURL: url }))
    await run(harness)
  })
})
