/**
 * Tokens of one model call or, summed, of a run. `inputTokens` counts the tokens that were neither read from nor
 * written to a cache.
 */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheCreationInputTokens: number
  readonly cacheReadInputTokens: number
  /** Part of `outputTokens` that the model used for reasoning. Absent if the provider did not report it. */
  readonly reasoningTokens?: number
}

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheCreationInputTokens: 0,
  cacheReadInputTokens: 0,
}

/** US dollars. Null if the price of any part of the sum is unknown. */
export type Cost = number | null

export function addCost(left: Cost, right: Cost): Cost {
  return left === null || right === null ? null : left + right
}

/** Tokens that were used, and their cost. */
export interface Spending {
  readonly usage: Usage
  readonly cost: Cost
}

export const noSpending: Spending = { usage: noUsage, cost: 0 }

export function addSpending(left: Spending, right: Spending): Spending {
  return { usage: addUsage(left.usage, right.usage), cost: addCost(left.cost, right.cost) }
}

function addUsage(left: Usage, right: Usage): Usage {
  const { reasoningTokens } = right
  return {
    ...left,
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    cacheCreationInputTokens: left.cacheCreationInputTokens + right.cacheCreationInputTokens,
    cacheReadInputTokens: left.cacheReadInputTokens + right.cacheReadInputTokens,
    ...(reasoningTokens !== undefined && { reasoningTokens: (left.reasoningTokens ?? 0) + reasoningTokens }),
  }
}
