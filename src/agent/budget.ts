import type { ModelChoice } from "../core/agent-runtime.ts"
import type { Event } from "../core/entries.ts"
import type { ModelRequest } from "../core/ports/provider.ts"
import { type Cost, noUsage, type Spending, type Usage } from "../core/usage.ts"
import type { ModelRunContext } from "./run-context.ts"
import { type CountedUsage, estimateInput } from "./token-estimate.ts"

/** What a call takes of the money there is. */
export interface Charged extends Spending {
  readonly charged: Cost
}

/** What a call cost at this model's price, and what it counts against a budget. */
export function priced(
  context: ModelRunContext,
  choice: ModelChoice,
  { usage, charged }: Pick<CountedUsage, "usage" | "charged">,
): Charged {
  return { usage, cost: costOf(context, choice, usage), charged: costOf(context, choice, charged) }
}

function costOf({ runtime }: ModelRunContext, { provider, model }: ModelChoice, usage: Usage): Cost {
  return runtime.pricing.cost({ priceList: provider.priceList, model, usage })
}

/**
 * What ends the run in place of a model call that could cross its budget; null when the call may be made. Reserved is the
 * most that the call can cost: its input, by an estimate rather too high, and all the output it may have.
 */
export function overBudget(
  context: ModelRunContext,
  choice: ModelChoice,
  request: ModelRequest,
  { charged, ...spent }: Charged,
): readonly Event[] | null {
  const { maxBudgetUsd } = context.runtime
  if (maxBudgetUsd === null) return null
  const worstCase = mostItCosts(context, choice, request)
  if (worstCase === null || charged === null || spent.cost === null) {
    const message = "This run has a budget, and the price of its model is not known."
    return [{ type: "runFailed", code: "price_unknown", message, ...spent }]
  }
  if (charged + worstCase <= maxBudgetUsd) return null
  return [
    { type: "budgetExceeded", totalCost: spent.cost, budget: maxBudgetUsd },
    { type: "runCompleted", disposition: "interrupted", reason: "budget", ...spent },
  ]
}

/** Writing the input to a cache may cost more than merely reading it. */
function mostItCosts(context: ModelRunContext, choice: ModelChoice, request: ModelRequest): Cost {
  const input = estimateInput(request)
  const output = { ...noUsage, outputTokens: request.maxTokens }
  const plain = costOf(context, choice, { ...output, inputTokens: input })
  const written = costOf(context, choice, { ...output, cacheCreationInputTokens: input })
  return plain === null || written === null ? null : Math.max(plain, written)
}
