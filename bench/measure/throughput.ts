import type { Child } from "../child.ts"
import type { StreamsRequest, StreamsResult } from "../load/load.ts"
import type { Script } from "../script.ts"
import { median } from "../statistics.ts"
import { type Server, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"

const tokensPerStream = 200

/** Paces at which the upstream writes. */
export const paces = {
  /**
   * One token in each write, with one write on each turn of the upstream's event loop. A server reads more slowly, so
   * several tokens arrive together.
   */
  full: { tokens: tokensPerStream, perWrite: 1, pauseMs: 0, hold: false },
  /** The same with four tokens in each write, like a provider that batches. */
  batched: { tokens: tokensPerStream, perWrite: 4, pauseMs: 0, hold: false },
  /** One token every 10 ms on each stream, like a fast model. Nearly every token costs its own read and write. */
  real: { tokens: tokensPerStream, perWrite: 1, pauseMs: 10, hold: false },
  /** One token, which shows the cost of a stream apart from its tokens. */
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
  /** CPU time to open the session of a stream, which is not part of the other figures. */
  readonly openingCpuMs: number
}

/** The median of each figure, and the round in which the server needed the least CPU time. */
export interface Rounds extends Throughput {
  readonly best: Throughput
}

/** Results in the order of the servers. */
export type ByServer = readonly (Rounds & { readonly server: string })[]

export type ThroughputResult = Readonly<Record<Pace, ByServer>>

export interface ThroughputSettings {
  readonly warmUpRounds: number
  readonly repeats: number
  readonly streams: number
  readonly atOnce: number
}

/** Measures all servers in turns. All of them run for the whole measurement. */
export function measureThroughput(settings: ThroughputSettings): Promise<ThroughputResult> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const load = await own(startLoad())
    const servers = [
      await startServer(own, "limit", upstream),
      await startServer(own, "coalescing limit", upstream),
      await startServer(own, "gateway", upstream),
    ]
    for (const server of servers) await warmUp(server, load, settings.warmUpRounds)
    const at = (pace: Pace) => measurePace(servers, load, pace, settings)
    return {
      full: await at("full"),
      batched: await at("batched"),
      real: await at("real"),
      oneToken: await at("oneToken"),
    }
  })
}

export async function measurePace(
  servers: readonly Server[],
  load: Child,
  pace: Pace,
  settings: ThroughputSettings,
): Promise<ByServer> {
  const measured = await samplePace(servers, load, pace, settings)
  return measured.map(({ server, samples }) => ({ server, ...summarize(samples) }))
}

/** The rounds of a server. The servers take turns, so rounds with the same number belong together. */
export interface Samples {
  readonly server: string
  readonly samples: readonly Throughput[]
}

export async function samplePace(
  servers: readonly Server[],
  load: Child,
  pace: Pace,
  { repeats, streams, atOnce }: ThroughputSettings,
): Promise<readonly Samples[]> {
  const measured = servers.map((server) => ({ server, samples: [] as Throughput[] }))
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { server, samples } of measured) {
      const { target } = server
      // In a process that is idle for some seconds, the JavaScript engine releases memory, which it allocates again
      // in the next round.
      await measureStreams(server, load, { target, script: paces.full, streams, atOnce })
      const sample = await measureStreams(server, load, {
        target,
        script: paces[pace],
        // A round at a model's pace takes two seconds with any server, so each round is one batch of streams.
        streams: pace === "real" ? atOnce : streams,
        atOnce,
      })
      samples.push(sample)
    }
  }
  return measured.map(({ server, samples }) => ({ server: server.name, samples }))
}

/**
 * Runs streams until the JavaScript engine has compiled the code of a run. Each round has 50 streams of one token and
 * 50 of many. The cost of a run falls during the first 15 000 streams or so.
 */
export async function warmUp(server: Server, load: Child, rounds = 40): Promise<void> {
  const { target } = server
  const atOnce = 50
  for (const script of [paces.oneToken, paces.full]) {
    await measureStreams(server, load, { target, script, streams: rounds * atOnce, atOnce })
  }
}

async function measureStreams({ child }: Server, load: Child, request: StreamsRequest): Promise<Throughput> {
  const start = await child.ask<number>("cpuSeconds")
  await load.ask("prepare", { target: request.target, streams: request.streams })
  const before = await child.ask<number>("cpuSeconds")
  const { tokens, wallSeconds } = await load.ask<StreamsResult>("streams", request)
  const cpuSeconds = (await child.ask<number>("cpuSeconds")) - before
  return {
    tokensPerCpuSecond: tokens / cpuSeconds,
    tokensPerSecond: tokens / wallSeconds,
    cpuMsPerStream: (cpuSeconds * 1000) / request.streams,
    openingCpuMs: ((before - start) * 1000) / request.streams,
  }
}

function summarize(samples: readonly Throughput[]): Rounds {
  const [best] = samples.toSorted((a, b) => a.cpuMsPerStream - b.cpuMsPerStream)
  if (best === undefined) throw new Error("No round was measured.")
  const of = (figure: keyof Throughput) => median(samples.map((sample) => sample[figure]))
  return {
    tokensPerCpuSecond: of("tokensPerCpuSecond"),
    tokensPerSecond: of("tokensPerSecond"),
    cpuMsPerStream: of("cpuMsPerStream"),
    openingCpuMs: of("openingCpuMs"),
    best,
  }
}
