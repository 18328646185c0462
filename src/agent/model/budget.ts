import type { Event } from "../../core/log/entries.ts"
import type { ModelChoice, ModelRequest } from "../../core/ports/model/provider.ts"
import { type Cost, noUsage, type Spending, type Usage } from "../../core/usage.ts"
import { listOpenChildren } from "../children/tree-effects.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import { type CountedUsage, estimateInput } from "./estimate-tokens.ts"

/** The amount of a call that counts against the budget. */
export interface Charged extends Spending {
  readonly charged: Cost
}

/** Returns the cost of a call at this model's price, and the amount that counts against a budget. */
export function computeCharge(
  context: ModelRunContext,
  choice: ModelChoice,
  { usage, charged }: Pick<CountedUsage, "usage" | "charged">,
): Charged {
  return { usage, cost: computeCost(context, choice, usage), charged: computeCost(context, choice, charged) }
}

function computeCost({ runtime }: ModelRunContext, { provider, model }: ModelChoice, usage: Usage): Cost {
  return runtime.pricing.cost({ priceList: provider.priceList, model, usage })
}

/** Returns the budget of the run in US dollars. Null means no limit. */
export function computeBudget(
  { runtime }: ModelRunContext,
  { started: { limits } }: Pick<RunState, "started">,
): number | null {
  const budgets = [runtime.maxBudgetUsd, limits?.maxBudgetUsd ?? undefined].filter(
    (budget) => budget !== undefined,
  )
  return budgets.length === 0 ? null : Math.min(...budgets)
}

/** Returns the US dollars of the run's budget that its open children and its background tasks may still use. */
export function computeReserved(run: RunState): number {
  const children = listOpenChildren(run).map(({ payload }) => payload.reservedUsd ?? 0)
  return [...children, ...run.reservedByTasks.values()].reduce((sum, reserved) => sum + reserved, 0)
}

/**
 * Resolves to the events that end the run if a model call could exceed its budget. Null if the call may be made. The
 * reservation is the maximum cost of the call: a high estimate of its input, and its maximum output.
 */
export async function checkBudget(
  context: ModelRunContext,
  choice: ModelChoice,
  request: ModelRequest,
  { charged, ...spent }: Charged,
): Promise<readonly Event[] | null> {
  const { run } = context.conversation
  const budget = run === null ? null : computeBudget(context, run)
  if (run === null || budget === null) return null
  const worstCase = await computeMaxCost(context, choice, request)
  if (worstCase === null || charged === null || spent.cost === null) {
    const message = "This run has a budget, and the price of its model is not known."
    return [{ type: "runFailed", code: "price_unknown", message, ...spent }]
  }
  if (charged + computeReserved(run) + worstCase <= budget) return null
  return [
    { type: "budgetExceeded", totalCost: spent.cost, budget },
    { type: "runCompleted", disposition: "interrupted", reason: "budget", ...spent },
  ]
}

/** Returns the maximum cost of the call. Writing the input to a cache may cost more than reading it. */
async function computeMaxCost(
  context: ModelRunContext,
  choice: ModelChoice,
  request: ModelRequest,
): Promise<Cost> {
  const input = await estimateInput(request, context.conversation.sizes.messages)
  const output = { ...noUsage, outputTokens: request.maxTokens }
  const plain = computeCost(context, choice, { ...output, inputTokens: input })
  const written = computeCost(context, choice, { ...output, cacheCreationInputTokens: input })
  return plain === null || written === null ? null : Math.max(plain, written)
}
