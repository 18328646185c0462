import { describe, test } from "vitest"
import { providerContract } from "../../../testing/provider/contract.ts"
import type { ProviderHarness } from "../../../testing/provider/harness.ts"
import { demoProvider } from "./demo-provider.ts"

/** The demo has no server, so its responses cannot be scripted, recorded or interrupted. */
const harness: ProviderHarness = {
  provider: demoProvider({ delayMs: 1 }),
  secrets: [],
  answer: () => {},
  received: () => {
    throw new Error("The demo sends nothing.")
  },
  receivedHeader: () => null,
  disconnected: async () => true,
  close: async () => {},
}

describe("the provider contract, kept by the demo as far as it applies", () => {
  test.each(providerContract.filter(({ unscripted }) => unscripted))("$name", ({ run }) => run(harness))
})
