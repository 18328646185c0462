import type { Usage } from "../../core/usage.ts"

/** US dollars per million tokens. */
export interface ModelPrice {
  readonly input: number
  readonly output: number
  /** Default: the price of input. */
  readonly cacheRead?: number
  /** Default: 1.25 times the price of input, which providers charge for a cache of five minutes. */
  readonly cacheWrite?: number
}

/** Returns the cost in US dollars. */
export function computeCost(price: ModelPrice, usage: Usage): number {
  const { input, output, cacheRead = input, cacheWrite = input * 1.25 } = price
  const millionths =
    usage.inputTokens * input +
    usage.outputTokens * output +
    usage.cacheReadInputTokens * cacheRead +
    usage.cacheCreationInputTokens * cacheWrite
  return millionths / 1_000_000
}
