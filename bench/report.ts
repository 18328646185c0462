import type { ByTarget, FirstToken, Latency } from "./measure/first-token.ts"
import type { SandboxResult } from "./measure/sandbox.ts"
import type { StoreResult } from "./measure/store.ts"
import type { Pace, ThroughputResult } from "./measure/throughput.ts"
import type { PerOne, ViewersResult } from "./measure/viewers.ts"
import { table } from "./table.ts"

/** Each part of the bench as text. */
export function throughputReport(result: ThroughputResult): string {
  const row = (label: string, pace: Pace) => {
    const { limit, gateway } = result[pace]
    const ratio = gateway.tokensPerCpuSecond / limit.tokensPerCpuSecond
    return [
      label,
      whole(gateway.tokensPerCpuSecond),
      whole(limit.tokensPerCpuSecond),
      ratio.toFixed(2),
      whole(gateway.tokensPerSecond),
      whole(limit.tokensPerSecond),
    ]
  }
  const { limit, gateway } = result.oneToken
  return [
    "Tokens per CPU second of the server (every token checked to have arrived)",
    table([
      ["", "gateway", "limit", "ratio", "gateway, tokens/s", "limit, tokens/s"],
      row("a token a write, as fast as can be", "full"),
      row("four tokens a write, as fast as can be", "batched"),
      row("a token every 10 ms on each stream", "real"),
    ]),
    `  CPU of a stream of one token: gateway ${gateway.cpuMsPerStream.toFixed(2)} ms, limit ${limit.cpuMsPerStream.toFixed(2)} ms`,
  ].join("\n")
}

export function firstTokenReport(results: readonly FirstToken[]): string {
  const row = (label: string, { upstream, limit, gateway }: ByTarget) => [
    label,
    both(upstream),
    both(limit),
    both(gateway),
    both({ p50: gateway.p50 - upstream.p50, p95: gateway.p95 - upstream.p95 }),
  ]
  return [
    "Time to the first token in ms, p50 / p95",
    table([
      ["", "upstream itself", "limit", "gateway", "gateway adds"],
      ...results.flatMap(({ streams, joining, together }) =>
        streams === 1
          ? [row("1 stream", together)]
          : [
              row(`1 more while ${streams - 1} run`, joining),
              row(`${streams} asked for in one moment`, together),
            ],
      ),
    ]),
  ].join("\n")
}

export function viewersReport({ viewers, run, viewer, sameSession, limit }: ViewersResult): string {
  const row = (label: string, { rssKb, heapKb }: PerOne) => [label, heapKb.toFixed(1), rssKb.toFixed(1)]
  return [
    `Memory of what is open and silent, kB each, over ${whole(viewers)}`,
    table([
      ["", "heap", "RSS"],
      row("viewer, each on its own session", viewer),
      row("viewer, all on one session", sameSession),
      row("open response of the limit", limit),
      row("run that waits for its model", run),
    ]),
  ].join("\n")
}

export function storeReport({ event, deltas }: StoreResult): string {
  return [
    "One commit on SQLite, in microseconds",
    table([
      ["one event", whole(event)],
      ["50 sessions, a row of 10 deltas each", whole(deltas)],
    ]),
  ].join("\n")
}

export function sandboxReport({ bareSubprocess, bareDockerRun, backends }: SandboxResult): string {
  const { subprocess, bubblewrap, docker } = backends
  return [
    "First byte of print(1 + 1) in Python, ms, p50 / p95",
    table([
      ["", "cold: a new session", "warm: the session again"],
      ["bare subprocess", both(bareSubprocess), ""],
      ["subprocess", both(subprocess.cold), both(subprocess.warm)],
      ["bubblewrap", both(bubblewrap.cold), both(bubblewrap.warm)],
      ["bare docker run", both(bareDockerRun), ""],
      ["docker", both(docker.cold), both(docker.warm)],
    ]),
  ].join("\n")
}

function both({ p50, p95 }: Latency): string {
  return `${p50.toFixed(1)} / ${p95.toFixed(1)}`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", " ")
}
