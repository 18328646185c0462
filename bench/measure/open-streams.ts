import type { Child } from "../child.ts"
import type { ProbesRequest, StreamsRequest } from "../load/load.ts"
import { maxOpenFiles } from "../machine.ts"
import type { Memory } from "../process-usage.ts"
import type { Script } from "../script.ts"
import { type Latency, latencyOf } from "./latency.ts"
import { type Own, type Server, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"
import { warmUp } from "./throughput.ts"

export interface OpenStreamsSettings {
  readonly warmUpRounds: number
  /** Number of streams that are open at once. Fewer are opened if a process cannot have that many sockets. */
  readonly streams: number
  /** Tokens of each stream. Sending them must take longer than opening all streams. */
  readonly tokens: number
  /** Milliseconds between two tokens of a stream. */
  readonly pauseMs: number
  readonly probes: number
}

export interface OpenStreams {
  readonly server: string
  /** Number of streams that received every token. The bench fails unless that is all of them. */
  readonly whole: number
  readonly openingSeconds: number
  /** Latency of the streams while they were opened, 50 at a time. */
  readonly opening: Latency
  /** Latency of one more stream while all were open. */
  readonly joining: Latency
  /** Kilobytes (1000 bytes) of each stream while all were open. */
  readonly heapKb: number
  readonly rssKb: number
  /** Megabytes of the whole process while all were open, after a garbage collection. */
  readonly rssMb: number
  /** Maximum of those megabytes until then, with all garbage. */
  readonly peakRssMb: number
  /** Share of one core, from the moment when all streams are open until the last one has ended. */
  readonly cores: number
}

/** Processes with clients. Each opens an equal part of the streams, 25 at a time. */
const loads = 2
const atOnce = 25
/** The gateway has a socket to the client and one to the model for each stream. */
const socketsPerStream = 2
/** Number of descriptors that a process needs for other purposes. */
const otherDescriptors = 400
const probeScript = { tokens: 2, perWrite: 1, pauseMs: 0, hold: false }

/**
 * Measures how many streams of one process all receive their tokens. Measures the servers in turns, each in a process
 * of its own.
 */
export async function measureOpenStreams(settings: OpenStreamsSettings): Promise<readonly OpenStreams[]> {
  const possible = Math.floor((maxOpenFiles() - otherDescriptors) / socketsPerStream)
  const streams = Math.min(settings.streams, possible - (possible % loads))
  const measured = { ...settings, streams }
  return [await measure("limit", measured), await measure("gateway", measured)]
}

function measure(name: "limit" | "gateway", settings: OpenStreamsSettings): Promise<OpenStreams> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const load = await own(startLoad())
    const server = await startWarm(own, name, upstream, load, settings)
    const { streams, tokens, pauseMs, probes } = settings
    const { target, child } = server
    const script: Script = { tokens, perWrite: 1, pauseMs, hold: false }
    const clients: Child[] = []
    while (clients.length < loads) clients.push(await own(startLoad()))
    for (const client of clients) await client.ask("prepare", { target, streams: streams / loads })
    await load.ask("prepare", { target, streams: probes })
    const before = await child.ask<Memory>("memory")
    const begun = performance.now()
    const request: StreamsRequest = { target, script, streams: streams / loads, atOnce }
    const opening = await Promise.all(clients.map((client) => client.ask<readonly number[]>("open", request)))
    const opened = performance.now()
    const cpuBefore = await child.ask<number>("cpuSeconds")
    const probing: ProbesRequest = { target, script, running: 0, probes, probeScript }
    const joining = await load.ask<readonly number[]>("probes", probing)
    const { heapBytes, rssBytes, peakRssBytes } = await child.ask<Memory>("memory")
    if (performance.now() - begun > tokens * pauseMs) {
      throw new Error(`${name}: the first streams had ended before all were open; raise their tokens.`)
    }
    const whole = await Promise.all(clients.map((client) => client.ask<number>("finish")))
    const seconds = (performance.now() - opened) / 1_000
    return {
      server: name,
      whole: whole.reduce((sum, count) => sum + count, 0),
      openingSeconds: (opened - begun) / 1_000,
      opening: latencyOf(opening.flat()),
      joining: latencyOf(joining),
      heapKb: (heapBytes - before.heapBytes) / 1_000 / streams,
      rssKb: (rssBytes - before.rssBytes) / 1_000 / streams,
      rssMb: rssBytes / 1e6,
      peakRssMb: peakRssBytes / 1e6,
      cores: ((await child.ask<number>("cpuSeconds")) - cpuBefore) / seconds,
    }
  })
}

async function startWarm(
  own: Own,
  name: "limit" | "gateway",
  upstream: Child,
  load: Child,
  { warmUpRounds, streams }: OpenStreamsSettings,
): Promise<Server> {
  // A part of the places is kept for other tenants.
  const server = await startServer(own, name, upstream, { maxConcurrentRuns: 2 * streams })
  await warmUp(server, load, warmUpRounds)
  return server
}
