import type { ResolvedClaudeAgentOptions } from "../options.ts"

/** Model calls and US dollars of all processes of the run so far. */
export interface RunSpending {
  readonly turns: number
  readonly costUsd: number
}

/** Limits for the SDK's options with the same names. Undefined for no limit. */
export interface RunLimits {
  readonly maxTurns: number | undefined
  readonly maxBudgetUsd: number | undefined
}

/**
 * Returns the rest of the run's limits for the next process, which counts from zero. Returns the name of the limit if
 * it is used up.
 */
export function computeLimitsLeft(
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
