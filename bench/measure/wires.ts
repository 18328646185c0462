import { wireNames } from "../load/wire-requests.ts"
import { median } from "../statistics.ts"
import { type Server, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"
import { type Samples, samplePace, type ThroughputSettings, warmUp } from "./throughput.ts"

/** Tokens per CPU second of one protocol. */
export interface WireRate {
  readonly tokensPerCpuSecond: number
  /** Median of the ratios to the native protocol in the same round. */
  readonly ofNative: number
}

export interface WireResult {
  readonly wire: string
  readonly full: WireRate
  readonly real: WireRate
}

/** Measures the protocols of one gateway process in turns. */
export function measureWires(settings: ThroughputSettings): Promise<readonly WireResult[]> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const load = await own(startLoad())
    const gateway = await startServer(own, "gateway", upstream)
    const servers: readonly Server[] = wireNames.map((wire) => ({
      ...gateway,
      name: wire,
      target: { ...gateway.target, wire },
    }))
    for (const server of servers) await warmUp(server, load, settings.warmUpRounds)
    const full = await samplePace(servers, load, "full", settings)
    const real = await samplePace(servers, load, "real", settings)
    return wireNames.map((wire) => ({ wire, full: toRate(full, wire), real: toRate(real, wire) }))
  })
}

function toRate(measured: readonly Samples[], wire: string): WireRate {
  const ratesOf = (name: string) =>
    measured
      .filter(({ server }) => server === name)
      .flatMap(({ samples }) => samples.map(({ tokensPerCpuSecond }) => tokensPerCpuSecond))
  const native = ratesOf("native")
  const rates = ratesOf(wire)
  const ratios = rates.map((rate, round) => rate / (native[round] ?? Number.NaN))
  return { tokensPerCpuSecond: median(rates), ofNative: median(ratios) }
}
