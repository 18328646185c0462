import { noUsage, type Usage } from "../../../../core/usage.ts"
import { countOf, type Fields, readFields } from "../../fields.ts"

/** Returns the usage in the form of the Messages API. */
export function toUsage(usage: Fields): Usage {
  return {
    inputTokens: countOf(usage.input_tokens),
    outputTokens: countOf(usage.output_tokens),
    cacheCreationInputTokens: countOf(usage.cache_creation_input_tokens),
    cacheReadInputTokens: countOf(usage.cache_read_input_tokens),
  }
}

export interface ProcessUsage {
  /** Tokens that no message reported, such as those of a compaction or of sub-agents. Null if there are none. */
  readonly rest: { readonly model: string; readonly usage: Usage } | null
  /** US dollars, as the SDK estimates them. */
  readonly costUsd: number
}

/**
 * Compares the totals of a result with the usage that messages reported, by model. The SDK's model names may differ
 * from those in messages. The rest is therefore computed over all models, and counted for the model with the largest
 * rest.
 */
export function compareUsage(result: Fields, counted: ReadonlyMap<string, Usage>): ProcessUsage {
  const since = readFields(result.model_usage_since_last_result)
  const totals = Object.entries(since).map(([model, usage]) => ({ model, usage: readFields(usage) }))
  // Without the totals of this process, those of the whole session are an upper bound.
  if (totals.length === 0) return { rest: null, costUsd: countOf(result.total_cost_usd) }
  const costUsd = totals.reduce((sum, { usage }) => sum + countOf(usage.costUSD), 0)
  const all = totals.map(({ usage }) => computeTotal(usage)).reduce(add, noUsage)
  const rest = subtract(all, [...counted.values()].reduce(add, noUsage))
  if (countTokens(rest) === 0) return { rest: null, costUsd }
  const [largest] = totals
    .map(({ model, usage }) => ({
      model,
      tokens: countTokens(subtract(computeTotal(usage), counted.get(model) ?? noUsage)),
    }))
    .sort((left, right) => right.tokens - left.tokens)
  return { rest: { model: largest?.model ?? "unknown", usage: rest }, costUsd }
}

export function add(left: Usage, right: Usage): Usage {
  return combine(left, right, (one, other) => one + other)
}

function subtract(left: Usage, right: Usage): Usage {
  return combine(left, right, (one, other) => Math.max(0, one - other))
}

function combine(left: Usage, right: Usage, join: (one: number, other: number) => number): Usage {
  return {
    inputTokens: join(left.inputTokens, right.inputTokens),
    outputTokens: join(left.outputTokens, right.outputTokens),
    cacheCreationInputTokens: join(left.cacheCreationInputTokens, right.cacheCreationInputTokens),
    cacheReadInputTokens: join(left.cacheReadInputTokens, right.cacheReadInputTokens),
  }
}

function computeTotal(usage: Fields): Usage {
  return {
    inputTokens: countOf(usage.inputTokens),
    outputTokens: countOf(usage.outputTokens),
    cacheCreationInputTokens: countOf(usage.cacheCreationInputTokens),
    cacheReadInputTokens: countOf(usage.cacheReadInputTokens),
  }
}

function countTokens({
  inputTokens,
  outputTokens,
  cacheCreationInputTokens,
  cacheReadInputTokens,
}: Usage): number {
  return inputTokens + outputTokens + cacheCreationInputTokens + cacheReadInputTokens
}
