import { afterEach, describe, test } from "vitest"
import { providerContract } from "../../../../testing/provider/contract.ts"
import type { ProviderHarness } from "../../../../testing/provider/harness.ts"
import { chatWire } from "../fixtures/chat-wire.ts"
import { scriptedHarness } from "../fixtures/scripted-harness.ts"
import { openAiChatProvider } from "../openai-chat-provider.ts"

let harness: ProviderHarness | undefined

afterEach(async () => {
  await harness?.close()
})

// The service reports usage after the response, not before.
const cases = providerContract.filter(({ needs }) => needs !== "earlyUsage")

describe("the provider contract, kept by Chat Completions", () => {
  test.each(cases)("$name", async ({ run }) => {
    harness = await scriptedHarness(chatWire, (service) =>
      openAiChatProvider({ ...service, defaultModel: "qwen3", sendReasoning: "reasoning_details" }),
    )
    await run(harness)
  })
})
