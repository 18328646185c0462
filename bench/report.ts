import type { ClientViewResult } from "./measure/client-view.ts"
import type { ByTarget, FirstToken } from "./measure/first-token.ts"
import type { HeartbeatResult, IdleTick } from "./measure/heartbeat.ts"
import type { Latency } from "./measure/latency.ts"
import type { LongSessionsRow, Phase, Times } from "./measure/long-sessions.ts"
import type { McpResult } from "./measure/mcp.ts"
import type { ObserversResult } from "./measure/observers.ts"
import type { OpenStreams } from "./measure/open-streams.ts"
import type { PeersResult } from "./measure/peers.ts"
import type { PostgresRow } from "./measure/postgres.ts"
import type { BilledInput, PromptCacheResult } from "./measure/prompt-cache.ts"
import type { SandboxResult } from "./measure/sandbox.ts"
import type { SchedulesResult } from "./measure/schedules.ts"
import type { StoreResult } from "./measure/store.ts"
import type { ByServer, Pace, Rounds, ThroughputResult } from "./measure/throughput.ts"
import type { PerOne, ViewersResult } from "./measure/viewers.ts"
import type { WireResult } from "./measure/wires.ts"
import type { Table } from "./table.ts"

/** Returns the tables for one part of the bench. */
export function throughputTables(result: ThroughputResult): readonly Table[] {
  const row = (label: string, pace: Pace) => {
    const gateway = of(result[pace], "gateway")
    const rate = ({ best, tokensPerCpuSecond }: Rounds) =>
      `${whole(best.tokensPerCpuSecond)} (${whole(tokensPerCpuSecond)})`
    const beside = (name: string) => {
      const limit = of(result[pace], name)
      const ofBest = gateway.best.tokensPerCpuSecond / limit.best.tokensPerCpuSecond
      const ofMedian = gateway.tokensPerCpuSecond / limit.tokensPerCpuSecond
      return [rate(limit), `${ofBest.toFixed(2)} (${ofMedian.toFixed(2)})`]
    }
    return [
      label,
      rate(gateway),
      ...beside("coalescing limit"),
      ...beside("limit"),
      whole(gateway.tokensPerSecond),
    ]
  }
  const perRun = (name: string) => {
    const { best, cpuMsPerStream } = of(result.oneToken, name)
    return `${best.cpuMsPerStream.toFixed(2)} (${cpuMsPerStream.toFixed(2)}) ms`
  }
  const opening = () => {
    const { best, openingCpuMs } = of(result.oneToken, "gateway")
    return `${best.openingCpuMs.toFixed(2)} (${openingCpuMs.toFixed(2)}) ms`
  }
  return [
    {
      title: "tokens per CPU second of the server, best round (median)",
      rows: [
        ["", "gateway", "limit that coalesces", "ratio", "limit", "ratio", "gateway, tokens/s"],
        row("a token a write, as fast as can be", "full"),
        row("four tokens a write, as fast as can be", "batched"),
        row("a token every 10 ms on each stream", "real"),
        [
          "CPU of a stream of one token",
          perRun("gateway"),
          perRun("coalescing limit"),
          "",
          perRun("limit"),
          "",
          "",
        ],
        ["CPU of opening its session", opening(), "", "", "", "", ""],
      ],
    },
  ]
}

export function peersTables(result: PeersResult): readonly Table[] {
  const limit = (pace: ByServer) => of(pace, "limit").tokensPerCpuSecond
  const tokens = (pace: ByServer, server: string) => {
    const { tokensPerCpuSecond } = of(pace, server)
    return [whole(tokensPerCpuSecond), (tokensPerCpuSecond / limit(pace)).toFixed(2)]
  }
  return [
    {
      title: "other products",
      rows: [
        [
          "",
          "tokens per CPU s",
          "of the limit",
          "a token every 10 ms",
          "of the limit",
          "CPU of one token, ms",
        ],
        ...result.full.map(({ server }) => [
          server,
          ...tokens(result.full, server),
          ...tokens(result.real, server),
          of(result.oneToken, server).cpuMsPerStream.toFixed(2),
        ]),
      ],
    },
  ]
}

export function wiresTables(results: readonly WireResult[]): readonly Table[] {
  return [
    {
      title: "tokens per CPU second by protocol, medians",
      rows: [
        ["", "as fast as can be", "of native", "a token every 10 ms", "of native"],
        ...results.map(({ wire, full, real }) => [
          wire,
          ...[full, real].flatMap(({ tokensPerCpuSecond, ofNative }) => [
            whole(tokensPerCpuSecond),
            ofNative.toFixed(2),
          ]),
        ]),
      ],
    },
  ]
}

export function firstTokenTables(results: readonly FirstToken[]): readonly Table[] {
  const row = (label: string, { upstream, limit, gateway }: ByTarget) => [
    label,
    both(upstream),
    both(limit),
    both(gateway),
    both({ p50: gateway.p50 - upstream.p50, p95: gateway.p95 - upstream.p95 }),
  ]
  return [
    {
      title: "first token, ms, p50 / p95",
      rows: [
        ["", "upstream", "limit", "gateway", "gateway adds"],
        ...results.flatMap(({ streams, joining, together }) =>
          streams === 1
            ? [row("1 stream", together)]
            : [row(`1 more while ${streams - 1} run`, joining), row(`${streams} in one moment`, together)],
        ),
      ],
    },
  ]
}

export function openStreamsTables(results: readonly OpenStreams[]): readonly Table[] {
  const row = (label: string, cell: (server: OpenStreams) => string) => [label, ...results.map(cell)]
  return [
    {
      title: "streams open in one process, a token every two seconds on each",
      rows: [
        ["", ...results.map(({ server }) => server)],
        row("got every token, in order", ({ whole: count }) => whole(count)),
        row("first token while they are opened, 50 at a time, ms", ({ opening }) => both(opening)),
        row("first token of one more, ms", ({ joining }) => both(joining)),
        row("seconds to open all", ({ openingSeconds }) => openingSeconds.toFixed(1)),
        row("heap a stream, kB", ({ heapKb }) => heapKb.toFixed(1)),
        row("RSS a stream, kB", ({ rssKb }) => rssKb.toFixed(1)),
        row("RSS of the process after a garbage collection, MB", ({ rssMb }) => rssMb.toFixed(0)),
        row("… its maximum before that, MB", ({ peakRssMb }) => peakRssMb.toFixed(0)),
        row("CPU, all being open, of one core", ({ cores }) => `${(cores * 100).toFixed(0)} %`),
      ],
    },
  ]
}

export function longSessionsTables(rows: readonly LongSessionsRow[]): readonly Table[] {
  const phases: Readonly<Record<Phase, string>> = {
    first: "written by another process",
    warm: "used by this process before",
    restarted: "after a restart",
  }
  const time = ({ least, median }: Times) => `${least.toFixed(1)} / ${median.toFixed(1)}`
  const table = (isSummarized: boolean): Table => ({
    title: `long sessions${isSummarized ? ", summarized" : ""}, ms, least / median`,
    rows: [
      ["", "first text", "approval to result", "first page", "whole history"],
      ...(["first", "warm", "restarted"] as const).flatMap((phase) =>
        rows
          .filter((each) => each.isSummarized === isSummarized)
          .map(({ events, phases: { [phase]: taken } }) => [
            `${whole(events)} events, ${phases[phase]}`,
            time(taken.firstTextMs),
            time(taken.approvalToResultMs),
            time(taken.firstPageMs),
            time(taken.wholeHistoryMs),
          ]),
      ),
    ],
  })
  return [table(true), table(false)]
}

export function viewersTables(result: ViewersResult): readonly Table[] {
  const { viewers, run, viewer, sameSession, limit } = result
  const row = (label: string, { rssKb, heapKb }: PerOne) => [label, heapKb.toFixed(1), rssKb.toFixed(1)]
  return [
    {
      title: `kB for each of ${whole(viewers)} that are open and silent`,
      rows: [
        ["", "heap", "RSS"],
        row("viewer, each on its own session", viewer),
        row("viewer, all on one session", sameSession),
        row("open response of the limit", limit),
        row("run that waits for its model", run),
      ],
    },
  ]
}

export function storeTables({ event, deltas }: StoreResult): readonly Table[] {
  return [
    {
      title: "one commit on SQLite",
      rows: [
        ["", "µs"],
        ["one event", whole(event)],
        ["50 sessions, a row of 10 deltas each", whole(deltas)],
      ],
    },
  ]
}

export function postgresTables(rows: readonly PostgresRow[]): readonly Table[] {
  return [
    {
      title: "one run on Postgres",
      rows: [
        [
          "",
          "gateway CPU, ms",
          "Postgres CPU, ms",
          "statements",
          "commits",
          "WAL, kB",
          "runs/s of a gateway core",
          "runs/s of a Postgres core",
          "limits first",
        ],
        ...rows.map(({ storedSessions, callsTool, gatewayMs, postgresMs, statements, commits, walBytes }) => [
          `${callsTool ? "two turns, a tool call" : "one turn"}, ${storedSessions === 0 ? "empty store" : `${whole(storedSessions)} sessions`}`,
          gatewayMs.toFixed(2),
          postgresMs.toFixed(2),
          statements.toFixed(1),
          commits.toFixed(1),
          (walBytes / 1_000).toFixed(1),
          whole(1_000 / gatewayMs),
          whole(1_000 / postgresMs),
          gatewayMs > postgresMs ? "gateway" : "Postgres",
        ]),
      ],
    },
  ]
}

export function mcpTables({ gateway, client }: McpResult): readonly Table[] {
  return [
    {
      title: "one call of an MCP tool over stdio",
      rows: [
        ["", "µs"],
        ["through the gateway", whole(gateway)],
        ["the SDK's client alone", whole(client)],
      ],
    },
  ]
}

export function heartbeatTables({ ticks, first, last, conversation }: HeartbeatResult): readonly Table[] {
  const row = (label: string, { requests, tokens }: IdleTick) => [label, whole(requests), whole(tokens)]
  return [
    {
      title: "one idle heartbeat tick",
      rows: [
        ["", "model calls", "input tokens"],
        row("the first tick", first),
        row(`the tick after ${whole(ticks)} others`, last),
        row(`the same if all ${whole(ticks)} are one conversation`, conversation),
      ],
    },
  ]
}

export function promptCacheTables({ turns, cached, uncached }: PromptCacheResult): readonly Table[] {
  const row = (label: string, { plain, written, read, asPlain }: BilledInput) => [
    label,
    ...[plain, written, read, asPlain].map(whole),
  ]
  return [
    {
      title: `input tokens of a run of ${whole(turns)} turns, as Anthropic bills them`,
      rows: [
        ["", "plain", "written to the cache", "read from the cache", "all in the price of plain input"],
        row("cache: true (default)", cached),
        row("cache: false", uncached),
      ],
    },
  ]
}

export function schedulesTables(result: SchedulesResult): readonly Table[] {
  const { schedules, idleLook, firedSeconds, endedSeconds, heapMb, runAlone, runMeanwhile } = result
  const times = ({ p50, max }: SchedulesResult["runAlone"]) => `${p50.toFixed(1)} / ${max.toFixed(0)} ms`
  return [
    {
      title: `${whole(schedules)} schedules`,
      rows: [
        ["", ""],
        ["one look for due schedules while none is due", `${idleLook.toFixed(1)} µs`],
        ["all due in one moment: until all have fired", `${firedSeconds.toFixed(1)} s`],
        ["until all their runs have ended", `${endedSeconds.toFixed(1)} s`],
        ["maximum growth of the heap meanwhile", `${whole(heapMb)} MB`],
        ["run of another user before, p50 / maximum", times(runAlone)],
        ["run of another user meanwhile, p50 / maximum", times(runMeanwhile)],
      ],
    },
  ]
}

export function sandboxTables({ bareSubprocess, bareDockerRun, backends }: SandboxResult): readonly Table[] {
  const { subprocess, bubblewrap, docker } = backends
  return [
    {
      title: "first byte of print(1 + 1) in Python, ms, p50 / p95",
      rows: [
        ["", "cold: a new session", "warm: the session again"],
        ["bare subprocess", both(bareSubprocess), ""],
        ["subprocess", both(subprocess.cold), both(subprocess.warm)],
        ["bubblewrap", both(bubblewrap.cold), both(bubblewrap.warm)],
        ["bare docker run", both(bareDockerRun), ""],
        ["docker", both(docker.cold), both(docker.warm)],
      ],
    },
  ]
}

export function clientViewTables(result: ClientViewResult): readonly Table[] {
  const { events, parts, milliseconds, frame } = result
  return [
    {
      title: `view of a run with ${whole(events)} events and ${whole(parts)} parts`,
      rows: [
        ["", "ms"],
        ["all events", whole(milliseconds)],
        ["one more event, and reading all parts", frame.toFixed(2)],
      ],
    },
  ]
}

export function observersTables({
  none,
  counting,
  four,
  metrics,
  dropped,
}: ObserversResult): readonly Table[] {
  return [
    {
      title: "one measurement for observers, with its facts",
      rows: [
        ["attached", "ns"],
        ["no observer", none.toFixed(1)],
        ["one that counts", counting.toFixed(1)],
        ["four that count", four.toFixed(1)],
        ["the metrics (a commit)", metrics.toFixed(1)],
        ["traces with an SDK that drops all (half of a tool's span)", dropped.toFixed(1)],
      ],
    },
  ]
}

function of(servers: ByServer, name: string): Rounds {
  const found = servers.find(({ server }) => server === name)
  if (found === undefined) throw new Error(`${name} was not measured.`)
  return found
}

function both({ p50, p95 }: Latency): string {
  return `${p50.toFixed(1)} / ${p95.toFixed(1)}`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", " ")
}
