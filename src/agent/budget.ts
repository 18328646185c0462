import type { ModelChoice } from "../core/agent-runtime.ts"
import type { Event } from "../core/entries.ts"
import type { ModelRequest } from "../core/ports/provider.ts"
import { noUsage, type Spending, type Usage } from "../core/usage.ts"
import type { ModelRunContext } from "./run-context.ts"
import { estimateInput } from "./token-estimate.ts"

/** What so much costs at this model's price; null when that is not known. */
export function priced(context: ModelRunContext, { provider, model }: ModelChoice, usage: Usage): Spending {
  const { priceList } = provider
  return { usage, cost: context.runtime.pricing.cost({ priceList, model, usage }) }
}

/**
 * What ends the run in place of a model call that could cross its budget; null when the call may be made. Reserved is the
 * most that the call can cost: its input, by an estimate rather too high, and all the output it may have.
 */
export function overBudget(
  context: ModelRunContext,
  choice: ModelChoice,
  request: ModelRequest,
  spent: Spending,
): readonly Event[] | null {
  const { maxBudgetUsd } = context.runtime
  if (maxBudgetUsd === null) return null
  const worstCase = mostItCosts(context, choice, request)
  if (worstCase === null || spent.cost === null) {
    const message = "This run has a budget, and the price of its model is not known."
    return [{ type: "runFailed", code: "price_unknown", message, ...spent }]
  }
  if (spent.cost + worstCase <= maxBudgetUsd) return null
  return [
    { type: "budgetExceeded", totalCost: spent.cost, budget: maxBudgetUsd },
    { type: "runCompleted", disposition: "interrupted", reason: "budget", ...spent },
  ]
}

/** Writing the input to a cache may cost more than merely reading it. */
function mostItCosts(context: ModelRunContext, choice: ModelChoice, request: ModelRequest): number | null {
  const input = estimateInput(request)
  const output = { ...noUsage, outputTokens: request.maxTokens }
  const plain = priced(context, choice, { ...output, inputTokens: input }).cost
  const written = priced(context, choice, { ...output, cacheCreationInputTokens: input }).cost
  return plain === null || written === null ? null : Math.max(plain, written)
}
