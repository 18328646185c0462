import type { Spending } from "../usage.ts"
import type { Usage } from "./content.ts"

/** Returns the form in which clients, receivers of deliveries and models see a usage. */
export function toWireUsage({ usage, cost }: Spending): Usage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_creation_input_tokens: usage.cacheCreationInputTokens,
    cache_read_input_tokens: usage.cacheReadInputTokens,
    estimated_cost: cost === null ? null : roundDollars(cost),
  }
}

/** Rounds an amount, because sums of fractions have meaningless digits. */
export function roundDollars(amount: number): number {
  return Math.round(amount * 1e10) / 1e10
}
