import type { FirstTokenSettings } from "./measure/first-token.ts"
import type { ThroughputSettings } from "./measure/throughput.ts"

/** How much is measured. */
export interface Settings {
  readonly throughput: ThroughputSettings
  readonly firstToken: FirstTokenSettings
  readonly viewers: number
  readonly store: { readonly repeats: number; readonly commits: number }
  readonly sandbox: { readonly probes: number }
}

export const fullSettings: Settings = {
  throughput: { warmUpRounds: 10, repeats: 3, streams: 400, atOnce: 50 },
  firstToken: { warmUpRounds: 10, probes: 40, bursts: 3, streams: [1, 50, 500] },
  viewers: 2_000,
  store: { repeats: 5, commits: 1_000 },
  sandbox: { probes: 20 },
}

/** For a first look: the code is still cold, and the figures are worse for it. */
export const quickSettings: Settings = {
  throughput: { warmUpRounds: 2, repeats: 1, streams: 50, atOnce: 50 },
  firstToken: { warmUpRounds: 2, probes: 10, bursts: 1, streams: [1, 50] },
  viewers: 200,
  store: { repeats: 1, commits: 200 },
  sandbox: { probes: 5 },
}
