import { percentile } from "../statistics.ts"

/** From the request's being written to the first token's being read, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p95: number
}

export function latencyOf(values: readonly number[]): Latency {
  return { p50: percentile(values, 0.5), p95: percentile(values, 0.95) }
}
