import { afterEach, describe, test } from "vitest"
import { providerContract } from "../../../../testing/provider/contract.ts"
import type { ProviderHarness } from "../../../../testing/provider/harness.ts"
import { responsesWire } from "../fixtures/responses-wire.ts"
import { scriptedHarness } from "../fixtures/scripted-harness.ts"
import { openAiProvider } from "../openai-provider.ts"

let harness: ProviderHarness | undefined

afterEach(async () => {
  await harness?.close()
})

// The service reports usage after the response, not before.
const cases = providerContract.filter(({ needs }) => needs !== "earlyUsage")

describe("the provider contract, kept by OpenAI Responses", () => {
  test.each(cases)("$name", async ({ run }) => {
    harness = await scriptedHarness(responsesWire, openAiProvider)
    await run(harness)
  })
})
