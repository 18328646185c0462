import { answerCases } from "./provider-contract-answers.ts"
import { conversationCases } from "./provider-contract-conversations.ts"
import { failureCases } from "./provider-contract-failures.ts"
import type { ProviderContractCase } from "./provider-harness.ts"

/** Behavior that the loop needs of every provider. Leave out a case that `needs` what the service does not have. */
export const providerContract: readonly ProviderContractCase[] = [
  ...answerCases,
  ...conversationCases,
  ...failureCases,
]
