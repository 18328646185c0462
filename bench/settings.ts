/** How much is measured. Each figure is taken several times, and the median printed. */
export interface Settings {
  readonly throughput: { readonly repeats: number; readonly streams: number; readonly atOnce: number }
  readonly firstToken: { readonly probes: number; readonly bursts: number; readonly streams: readonly number[] }
  readonly viewers: number
  readonly store: { readonly repeats: number; readonly commits: number }
}

export const tokensPerStream = 200

export const fullSettings: Settings = {
  throughput: { repeats: 3, streams: 400, atOnce: 50 },
  firstToken: { probes: 60, bursts: 3, streams: [1, 50, 500] },
  viewers: 2_000,
  store: { repeats: 5, commits: 1_000 },
}

export const quickSettings: Settings = {
  throughput: { repeats: 1, streams: 100, atOnce: 50 },
  firstToken: { probes: 20, bursts: 1, streams: [1, 50] },
  viewers: 300,
  store: { repeats: 1, commits: 200 },
}
