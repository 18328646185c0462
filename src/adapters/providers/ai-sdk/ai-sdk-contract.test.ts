import { createAnthropic } from "@ai-sdk/anthropic"
import { afterEach, describe, test } from "vitest"
import { providerContract } from "../../../testing/provider/contract.ts"
import type { ProviderFeature, ProviderHarness } from "../../../testing/provider/harness.ts"
import { createAnthropicHarness } from "../anthropic/fixtures/anthropic-harness.ts"
import { aiSdkProvider } from "./ai-sdk-provider.ts"

let harness: ProviderHarness | undefined

afterEach(async () => {
  await harness?.close()
})

// The AI SDK does not report early usage, and the wire of this service has no content filter. The position of a call
// is unknown before its input is complete.
const missing: readonly (ProviderFeature | undefined)[] = ["earlyUsage", "contentFilter", "toolInput"]
const cases = providerContract.filter(({ needs }) => needs === undefined || !missing.includes(needs))

describe("the provider contract, kept by a model of the AI SDK", () => {
  test.each(cases)("$name", async ({ run }) => {
    harness = await createAnthropicHarness(({ apiKey, url }) =>
      aiSdkProvider(createAnthropic({ apiKey, baseURL: `${url}/v1` })("claude-sonnet-5-5")),
    )
    await run(harness)
  })
})
