import type { Usage } from "../../../core/usage.ts"

/** Tokens of one model in the accounting of AG-UI, in which every other count is a part of a total. */
export interface ModelUsage {
  /** Absent for the models of sub-agents. */
  readonly model?: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly totalTokens: number
  readonly reasoningTokens?: number
  readonly cachedInputTokens: number
  readonly cacheWriteInputTokens: number
}

/** Returns the list with the tokens of a model added. */
export function addModelUsage(
  list: readonly ModelUsage[],
  model: string | undefined,
  usage: Usage,
): readonly ModelUsage[] {
  const added = toModelUsage(model, usage)
  const index = list.findIndex((each) => each.model === model)
  const before = list[index]
  return before === undefined ? [...list, added] : list.with(index, addTokens(before, added))
}

function toModelUsage(model: string | undefined, usage: Usage): ModelUsage {
  const { cacheReadInputTokens: cached, cacheCreationInputTokens: written, reasoningTokens } = usage
  const inputTokens = usage.inputTokens + cached + written
  return {
    ...(model !== undefined && { model }),
    inputTokens,
    outputTokens: usage.outputTokens,
    totalTokens: inputTokens + usage.outputTokens,
    ...(reasoningTokens !== undefined && { reasoningTokens }),
    cachedInputTokens: cached,
    cacheWriteInputTokens: written,
  }
}

function addTokens(one: ModelUsage, other: ModelUsage): ModelUsage {
  const { reasoningTokens = other.reasoningTokens } = one
  const both = one.reasoningTokens !== undefined && other.reasoningTokens !== undefined
  const reasoning = both ? one.reasoningTokens + other.reasoningTokens : reasoningTokens
  return {
    ...one,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    totalTokens: one.totalTokens + other.totalTokens,
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    cacheWriteInputTokens: one.cacheWriteInputTokens + other.cacheWriteInputTokens,
  }
}
