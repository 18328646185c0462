import { percentile } from "../statistics.ts"

/** Milliseconds from writing the request to reading the first token. */
export interface Latency {
  readonly p50: number
  readonly p95: number
}

export function latencyOf(values: readonly number[]): Latency {
  return { p50: percentile(values, 0.5), p95: percentile(values, 0.95) }
}
