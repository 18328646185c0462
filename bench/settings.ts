import type { ClientViewSettings } from "./measure/client-view.ts"
import type { FirstTokenSettings } from "./measure/first-token.ts"
import type { LongSessionsSettings } from "./measure/long-sessions.ts"
import type { McpSettings } from "./measure/mcp.ts"
import type { OpenStreamsSettings } from "./measure/open-streams.ts"
import type { PostgresSettings } from "./measure/postgres.ts"
import type { ThroughputSettings } from "./measure/throughput.ts"

/** The extent of the measurements. */
export interface Settings {
  readonly throughput: ThroughputSettings
  readonly wires: ThroughputSettings
  readonly firstToken: FirstTokenSettings
  readonly viewers: number
  readonly openStreams: OpenStreamsSettings
  readonly longSessions: LongSessionsSettings
  readonly store: { readonly repeats: number; readonly commits: number }
  readonly postgres: PostgresSettings
  readonly mcp: McpSettings
  readonly heartbeat: { readonly ticks: number }
  readonly promptCache: { readonly turns: number }
  readonly schedules: { readonly schedules: number }
  readonly peers: ThroughputSettings
  readonly sandbox: { readonly probes: number }
  readonly clientView: ClientViewSettings
  readonly observers: { readonly repeats: number; readonly calls: number }
}

export const fullSettings: Settings = {
  throughput: { warmUpRounds: 200, repeats: 7, streams: 400, atOnce: 50 },
  wires: { warmUpRounds: 100, repeats: 9, streams: 200, atOnce: 50 },
  firstToken: { warmUpRounds: 200, probes: 40, bursts: 3, streams: [1, 50, 500] },
  viewers: 2_000,
  openStreams: { warmUpRounds: 40, streams: 10_000, tokens: 150, pauseMs: 2_000, probes: 40 },
  longSessions: { events: [100, 300, 10_000, 15_000, 30_000], sessions: 2, rounds: 4 },
  store: { repeats: 5, commits: 1_000 },
  postgres: { storedSessions: 10_000, repeats: 7, runs: 400, atOnce: 50 },
  mcp: { repeats: 7, calls: 2_000 },
  heartbeat: { ticks: 200 },
  promptCache: { turns: 20 },
  schedules: { schedules: 10_000 },
  peers: { warmUpRounds: 40, repeats: 3, streams: 200, atOnce: 50 },
  sandbox: { probes: 20 },
  clientView: { repeats: 5, events: 100_000 },
  observers: { repeats: 9, calls: 5_000_000 },
}

/** Settings for a quick first look. The code is not compiled yet, so the figures are worse than in a full run. */
export const quickSettings: Settings = {
  throughput: { warmUpRounds: 2, repeats: 1, streams: 50, atOnce: 50 },
  wires: { warmUpRounds: 2, repeats: 3, streams: 50, atOnce: 50 },
  firstToken: { warmUpRounds: 2, probes: 10, bursts: 1, streams: [1, 50] },
  viewers: 200,
  openStreams: { warmUpRounds: 2, streams: 500, tokens: 10, pauseMs: 1_000, probes: 10 },
  longSessions: { events: [100, 3_000], sessions: 1, rounds: 2 },
  store: { repeats: 1, commits: 200 },
  postgres: { storedSessions: 500, repeats: 1, runs: 100, atOnce: 50 },
  mcp: { repeats: 1, calls: 300 },
  heartbeat: { ticks: 50 },
  promptCache: { turns: 20 },
  schedules: { schedules: 1_000 },
  peers: { warmUpRounds: 2, repeats: 1, streams: 50, atOnce: 50 },
  sandbox: { probes: 5 },
  clientView: { repeats: 1, events: 100_000 },
  observers: { repeats: 3, calls: 1_000_000 },
}
