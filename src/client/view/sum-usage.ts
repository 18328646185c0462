import type { Usage } from "../../core/wire/content.ts"

/** Returns the usage after another turn. Its cost is null if the cost of a turn is not known. */
export function sumUsage(before: Usage | null, turn: Usage): Usage {
  if (before === null) return turn
  const costs = [before.estimated_cost, turn.estimated_cost]
  return {
    input_tokens: before.input_tokens + turn.input_tokens,
    output_tokens: before.output_tokens + turn.output_tokens,
    cache_creation_input_tokens: before.cache_creation_input_tokens + turn.cache_creation_input_tokens,
    cache_read_input_tokens: before.cache_read_input_tokens + turn.cache_read_input_tokens,
    estimated_cost: costs.includes(null)
      ? null
      : costs.reduce<number>((total, cost) => total + (cost ?? 0), 0),
  }
}
