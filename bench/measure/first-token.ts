import type { Child } from "../child.ts"
import type { ProbesRequest, StreamsRequest, StreamsResult } from "../load/load.ts"
import type { Target } from "../load/target.ts"
import type { Script } from "../script.ts"
import { type Latency, latencyOf } from "./latency.ts"
import { startLoad, startServer, startUpstream, withChildren } from "./processes.ts"
import { warmUp } from "./throughput.ts"

type Measured = "upstream" | "limit" | "gateway"

export type ByTarget = Readonly<Record<Measured, Latency>>

export interface FirstToken {
  readonly streams: number
  /** Latency of one more stream while the others run. */
  readonly joining: ByTarget
  /** Latency of streams that are all requested at the same moment. */
  readonly together: ByTarget
}

/** Returns a script with 20 tokens a second on each stream, for about as long as the probes take. */
function runningFor(probes: number): Script {
  return { tokens: 20 + probes, perWrite: 1, pauseMs: 50, hold: false }
}

const probe = { tokens: 2, perWrite: 1, pauseMs: 0, hold: false }

export interface FirstTokenSettings {
  readonly warmUpRounds: number
  readonly probes: number
  readonly bursts: number
  /** Numbers of concurrent streams, with one measurement for each. */
  readonly streams: readonly number[]
}

export function measureFirstToken(settings: FirstTokenSettings): Promise<readonly FirstToken[]> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const load = await own(startLoad())
    const limit = await startServer(own, "limit", upstream)
    const gateway = await startServer(own, "gateway", upstream)
    for (const server of [limit, gateway]) await warmUp(server, load, settings.warmUpRounds)
    const eachTarget = async (
      measure: (target: Target) => Promise<readonly number[]>,
    ): Promise<ByTarget> => ({
      upstream: latencyOf(await measure({ type: "upstream", url: upstream.url })),
      limit: latencyOf(await measure(limit.target)),
      gateway: latencyOf(await measure(gateway.target)),
    })
    const results: FirstToken[] = []
    for (const streams of settings.streams) {
      results.push({
        streams,
        joining: await eachTarget((target) => join(load, target, streams, settings.probes)),
        together: await eachTarget((target) => burst(load, target, streams, settings.bursts)),
      })
    }
    return results
  })
}

async function join(
  load: Child,
  target: Target,
  streams: number,
  probes: number,
): Promise<readonly number[]> {
  await load.ask("prepare", { target, streams: streams - 1 + probes })
  const request: ProbesRequest = {
    target,
    script: runningFor(probes),
    running: streams - 1,
    probes,
    probeScript: probe,
  }
  return load.ask("probes", request)
}

async function burst(
  load: Child,
  target: Target,
  streams: number,
  bursts: number,
): Promise<readonly number[]> {
  const all: number[] = []
  // One stream alone has few samples, so it is measured in more rounds.
  for (let round = 0; round < (streams === 1 ? 20 * bursts : bursts); round++) {
    await load.ask("prepare", { target, streams })
    all.push(...(await together(load, { target, script: probe, streams, atOnce: streams })))
  }
  return all
}

async function together(load: Child, request: StreamsRequest): Promise<readonly number[]> {
  const { firstTokenMs } = await load.ask<StreamsResult>("streams", request)
  return firstTokenMs
}
