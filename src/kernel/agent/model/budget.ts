import type { Event } from "../../../core/log/entries.ts"
import type { ModelChoice, ModelRequest } from "../../../core/ports/model/provider.ts"
import { type Cost, noUsage, type Spending, type Usage } from "../../../core/usage.ts"
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

/** Output tokens below which a call with a budget is not worth making. */
const fewestOutputTokens = 1_000

/** `call`: the call may be made, with at most this number of output tokens. `end`: these events end the run. */
export type BudgetDecision =
  | { readonly type: "call"; readonly maxTokens: number }
  | { readonly type: "end"; readonly events: readonly Event[] }

/**
 * Decides if the budget of the run allows a model call. The reservation is the maximum cost of the call: a high
 * estimate of its input, and its maximum output. If less is left, the output is limited to what is left, but to no
 * fewer tokens than `fewestTokens`.
 */
export async function checkBudget(
  context: ModelRunContext,
  choice: ModelChoice,
  request: ModelRequest,
  { charged, ...spent }: Charged,
  fewestTokens = fewestOutputTokens,
): Promise<BudgetDecision> {
  const { maxTokens } = request
  const { run } = context.conversation
  const budget = run === null ? null : computeBudget(context, run)
  if (run === null || budget === null) return { type: "call", maxTokens }
  const costs = await computeMaxCosts(context, choice, request)
  if (costs === null || charged === null || spent.cost === null) {
    const message = "This run has a budget, and the price of its model is not known."
    return { type: "end", events: [{ type: "runFailed", code: "price_unknown", message, ...spent }] }
  }
  const left = budget - charged - computeReserved(run) - costs.input
  if (costs.output <= left) return { type: "call", maxTokens }
  const affordable = Math.floor((left / costs.output) * maxTokens)
  if (affordable >= fewestTokens) return { type: "call", maxTokens: affordable }
  const events: readonly Event[] = [
    { type: "budgetExceeded", totalCost: spent.cost, budget },
    { type: "runCompleted", disposition: "interrupted", reason: "budget", ...spent },
  ]
  return { type: "end", events }
}

/**
 * Returns the maximum costs of the call's input and of its output. Null if they are unknown. Writing the input to a
 * cache may cost more than reading it.
 */
async function computeMaxCosts(
  context: ModelRunContext,
  choice: ModelChoice,
  request: ModelRequest,
): Promise<{ readonly input: number; readonly output: number } | null> {
  const tokens = await estimateInput(request, context.conversation.sizes.messages)
  const costOf = (usage: Partial<Usage>) => computeCost(context, choice, { ...noUsage, ...usage })
  const plain = costOf({ inputTokens: tokens })
  const written = costOf({ cacheCreationInputTokens: tokens })
  // The price of the output may depend on the size of the input.
  const total = costOf({ inputTokens: tokens, outputTokens: request.maxTokens })
  if (plain === null || written === null || total === null) return null
  return { input: Math.max(plain, written), output: total - plain }
}
