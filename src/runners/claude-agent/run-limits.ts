import type { ResolvedClaudeAgentOptions } from "./options.ts"

/** Model calls and US dollars of the run's processes so far. */
export interface RunSpending {
  readonly turns: number
  readonly costUsd: number
}

/** The SDK's options of these names. Undefined for no limit. */
export interface RunLimits {
  readonly maxTurns: number | undefined
  readonly maxBudgetUsd: number | undefined
}

/**
 * Returns what is left of the run's limits for its next process, which counts from zero; the name of the limit if
 * nothing is left.
 */
export function limitsLeft(
  { maxTurns, maxBudgetUsd }: ResolvedClaudeAgentOptions,
  { turns, costUsd }: RunSpending,
): RunLimits | "max_turns" | "max_budget_usd" {
  if (maxTurns !== undefined && turns >= maxTurns) return "max_turns"
  if (maxBudgetUsd !== undefined && costUsd >= maxBudgetUsd) return "max_budget_usd"
  return {
    maxTurns: maxTurns === undefined ? undefined : maxTurns - turns,
    maxBudgetUsd: maxBudgetUsd === undefined ? undefined : maxBudgetUsd - costUsd,
  }
}

export function addSpending(spent: RunSpending, { turns, costUsd }: RunSpending): RunSpending {
  return { turns: spent.turns + turns, costUsd: spent.costUsd + costUsd }
}
