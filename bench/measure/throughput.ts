import type { Child } from "../child.ts"
import type { StreamsRequest, StreamsResult } from "../load/load.ts"
import type { Script } from "../script.ts"
import { median } from "../statistics.ts"
import { type ServerName, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"

const tokensPerStream = 200

/** How the upstream writes. */
export const paces = {
  /** A token a write, on each turn of its event loop: faster than a server takes them, so several arrive together. */
  full: { tokens: tokensPerStream, perWrite: 1, pauseMs: 0, hold: false },
  /** The same with four tokens a write, as a service does that batches. */
  batched: { tokens: tokensPerStream, perWrite: 4, pauseMs: 0, hold: false },
  /** A token every 10 ms on each stream, as a fast model: nearly every token costs its own read and write. */
  real: { tokens: tokensPerStream, perWrite: 1, pauseMs: 10, hold: false },
  /** What a stream costs besides its tokens. */
  oneToken: { tokens: 1, perWrite: 1, pauseMs: 0, hold: false },
} satisfies Record<string, Script>

export type Pace = keyof typeof paces

export function isPace(name: string): name is Pace {
  return Object.hasOwn(paces, name)
}

export interface Throughput {
  readonly tokensPerCpuSecond: number
  readonly tokensPerSecond: number
  readonly cpuMsPerStream: number
}

export type ByServer = Readonly<Record<ServerName, Throughput>>

export type ThroughputResult = Readonly<Record<Pace, ByServer>>

export interface ThroughputSettings {
  readonly warmUpRounds: number
  readonly repeats: number
  readonly streams: number
  readonly atOnce: number
}

/** Both servers are there all the time and are measured by turns. */
export function measureThroughput(settings: ThroughputSettings): Promise<ThroughputResult> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const load = await own(startLoad())
    const servers = {
      limit: await own(startServer("limit", upstream)),
      gateway: await own(startServer("gateway", upstream)),
    }
    await warmUp(servers.limit, "limit", load, settings.warmUpRounds)
    await warmUp(servers.gateway, "gateway", load, settings.warmUpRounds)
    const at = (pace: Pace) => measurePace(servers, load, pace, settings)
    return {
      full: await at("full"),
      batched: await at("batched"),
      real: await at("real"),
      oneToken: await at("oneToken"),
    }
  })
}

async function measurePace(
  servers: Readonly<Record<ServerName, Child>>,
  load: Child,
  pace: Pace,
  { repeats, streams, atOnce }: ThroughputSettings,
): Promise<ByServer> {
  const samples: Record<ServerName, Throughput[]> = { limit: [], gateway: [] }
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const name of ["limit", "gateway"] as const) {
      const sample = await measureStreams(servers[name], load, {
        target: { type: name, url: servers[name].url },
        script: paces[pace],
        // A round at a model's pace takes two seconds, whatever the server: one for each.
        streams: pace === "real" ? atOnce : streams,
        atOnce,
      })
      samples[name].push(sample)
    }
  }
  return { limit: medians(samples.limit), gateway: medians(samples.gateway) }
}

/** Until the engine has compiled what a run needs: its cost falls over the first hundreds of runs. */
export async function warmUp(server: Child, name: ServerName, load: Child, rounds = 10): Promise<void> {
  const target = { type: name, url: server.url }
  const atOnce = 50
  await measureStreams(server, load, { target, script: paces.oneToken, streams: rounds * atOnce, atOnce })
  await measureStreams(server, load, { target, script: paces.full, streams: 4 * atOnce, atOnce })
}

async function measureStreams(server: Child, load: Child, request: StreamsRequest): Promise<Throughput> {
  await load.ask("prepare", { target: request.target, streams: request.streams })
  const before = await server.ask<number>("cpuSeconds")
  const { tokens, wallSeconds } = await load.ask<StreamsResult>("streams", request)
  const cpuSeconds = (await server.ask<number>("cpuSeconds")) - before
  return {
    tokensPerCpuSecond: tokens / cpuSeconds,
    tokensPerSecond: tokens / wallSeconds,
    cpuMsPerStream: (cpuSeconds * 1000) / request.streams,
  }
}

function medians(samples: readonly Throughput[]): Throughput {
  const of = (figure: keyof Throughput) => median(samples.map((sample) => sample[figure]))
  return {
    tokensPerCpuSecond: of("tokensPerCpuSecond"),
    tokensPerSecond: of("tokensPerSecond"),
    cpuMsPerStream: of("cpuMsPerStream"),
  }
}
