import { answerCases } from "./answers.ts"
import { conversationCases } from "./conversations.ts"
import { failureCases } from "./failures.ts"
import type { ProviderContractCase } from "./harness.ts"

/** Behavior that the loop needs of every provider. Leave out cases whose `needs` the service does not have. */
export const providerContract: readonly ProviderContractCase[] = [
  ...answerCases,
  ...conversationCases,
  ...failureCases,
]
