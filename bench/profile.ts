import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { BundleModules } from "./bundle-modules.ts"
import type { StreamsRequest } from "./load/load.ts"
import { startLoad, startServer, startUpstream, withChildren } from "./measure/processes.ts"
import { isPace, type Pace, paces, warmUp } from "./measure/throughput.ts"
import { aligned } from "./table.ts"

/**
 * Profiles the gateway. Samples the process under the load of the bench, and sums the samples by folder, by file and
 * by function. The time of a function does not include the functions that it calls.
 */
const { values } = parseArgs({
  options: {
    /** One of the paces of the bench. */
    pace: { type: "string", default: "full" },
    streams: { type: "string", default: "400" },
    /** A profile to read instead of recording one. */
    file: { type: "string" },
    /** File to which the profile is written, for Chromium's performance panel. */
    out: { type: "string" },
    top: { type: "string", default: "25" },
  },
})
const pace = values.pace
if (!isPace(pace)) throw new Error(`--pace ${pace}: there are ${Object.keys(paces).join(", ")}.`)
const profile =
  values.file === undefined ? await takeProfile(pace, Number(values.streams)) : await read(values.file)
const busy = selfTimes(profile)
const total = [...busy.values()].reduce((sum, microseconds) => sum + microseconds, 0)

console.log(`${(total / 1e6).toFixed(2)} s of work sampled (waiting left out)\n`)
for (const [heading, keyOf] of [
  ["By part", partOf],
  ["By file", fileOf],
  ["By function", ({ functionName, url }: CallFrame) => `${functionName || "(anonymous)"}  ${shortUrl(url)}`],
] as const) {
  console.log(`${heading}, % of the work`)
  for (const cells of aligned(top(keyOf, Number(values.top)))) console.log(`  ${cells.join("  ")}`)
  console.log()
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  /** Counted from 0. */
  readonly lineNumber: number
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[]
  readonly samples: readonly number[]
  /** Microseconds since the previous sample. */
  readonly timeDeltas: readonly number[]
}

function takeProfile(taken: Pace, streams: number): Promise<CpuProfile> {
  return withChildren(async (own) => {
    const folder = await mkdtemp(join(tmpdir(), "agent-gateway-profile-"))
    const file = values.out ?? join(folder, "gateway.cpuprofile")
    try {
      const upstream = await own(startUpstream())
      const load = await own(startLoad())
      const server = await startServer(own, "gateway", upstream)
      const { target, child: gateway } = server
      await warmUp(server, load)
      await load.ask("prepare", { target, streams })
      await gateway.ask("startProfile")
      const request: StreamsRequest = { target, script: paces[taken], streams, atOnce: 50 }
      await load.ask("streams", request)
      await gateway.ask("stopProfile", { file })
      return await read(file)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

async function read(file: string): Promise<CpuProfile> {
  return JSON.parse(await readFile(file, "utf8"))
}

/** Sums the time of the samples by the function in which they were taken. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<CallFrame, number> {
  const modules = new BundleModules()
  const frames = new Map(
    nodes.map(({ id, callFrame }) => {
      const { url, lineNumber } = callFrame
      return [id, { ...callFrame, url: modules.find(url, lineNumber) ?? url }]
    }),
  )
  const times = new Map<CallFrame, number>()
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)
    if (frame === undefined || notWork(frame)) continue
    times.set(frame, (times.get(frame) ?? 0) + (timeDeltas[index] ?? 0))
  }
  return times
}

/** Returns true for idle time and for the sampling itself. */
function notWork({ functionName, url }: CallFrame): boolean {
  return functionName === "(idle)" || url === "node:inspector"
}

function top(keyOf: (frame: CallFrame) => string, count: number): readonly (readonly string[])[] {
  const sums = new Map<string, number>()
  for (const [frame, time] of busy) sums.set(keyOf(frame), (sums.get(keyOf(frame)) ?? 0) + time)
  return [...sums]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([key, time]) => [key, ((100 * time) / total).toFixed(1)])
}

function partOf(frame: CallFrame): string {
  const { url, functionName } = frame
  const own = /^dist\/([\w-]+)\//.exec(url)
  if (own !== null) return `gateway: ${own[1]}`
  const library = /\/node_modules\/((?:@[\w-]+\/)?[\w.-]+)\//.exec(url)
  if (library !== null) return `package: ${library[1]}`
  if (url.includes("deps/undici")) return "Node: fetch (undici)"
  if (url.includes("webstreams")) return "Node: web streams"
  if (/_http|:net|stream|internal\/timers|:events|buffer/.test(url)) return "Node: http, sockets, streams"
  if (url.startsWith("node:")) return "Node: other JavaScript"
  if (functionName === "(garbage collector)") return "garbage collection"
  return functionName === "(program)"
    ? "engine and system, unnamed"
    : "engine: built-in functions and system calls"
}

function fileOf({ url, functionName }: CallFrame): string {
  return url === "" ? functionName : shortUrl(url)
}

function shortUrl(url: string): string {
  return url.includes("/node_modules/") ? url.replace(/^.*\/node_modules\//, "") : url
}
