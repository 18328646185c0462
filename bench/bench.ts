import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { machineLine } from "./machine.ts"
import { measureClientView } from "./measure/client-view.ts"
import { measureFirstToken } from "./measure/first-token.ts"
import { measureHeartbeat } from "./measure/heartbeat.ts"
import { measureLongSessions } from "./measure/long-sessions.ts"
import { measureMcp } from "./measure/mcp.ts"
import { measureObservers } from "./measure/observers.ts"
import { measureOpenStreams } from "./measure/open-streams.ts"
import { arePeersInstalled, measurePeers } from "./measure/peers.ts"
import { canMeasurePostgres, measurePostgres } from "./measure/postgres.ts"
import { measurePromptCache } from "./measure/prompt-cache.ts"
import { measureSandbox } from "./measure/sandbox.ts"
import { measureSchedules } from "./measure/schedules.ts"
import { measureStore } from "./measure/store.ts"
import { measureThroughput } from "./measure/throughput.ts"
import { measureViewers } from "./measure/viewers.ts"
import { measureWires } from "./measure/wires.ts"
import {
  clientViewTables,
  firstTokenTables,
  heartbeatTables,
  longSessionsTables,
  mcpTables,
  observersTables,
  openStreamsTables,
  peersTables,
  postgresTables,
  promptCacheTables,
  sandboxTables,
  schedulesTables,
  storeTables,
  throughputTables,
  viewersTables,
  wiresTables,
} from "./report.ts"
import { fullSettings, quickSettings } from "./settings.ts"
import { asMarkdown, asText, type Table } from "./table.ts"

/**
 * Prints the costs of the gateway next to the limits of the machine. The bench does not judge the figures. It fails
 * only if a stream is incomplete. docs/performance.md explains each figure.
 */
const parts = [
  "throughput",
  "wires",
  "first-token",
  "viewers",
  "streams",
  "long-sessions",
  "store",
  "postgres",
  "mcp",
  "heartbeat",
  "prompt-cache",
  "schedules",
  "sandbox",
  "client-view",
  "observers",
  "peers",
] as const
const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    /** Writes the tables as Markdown. */
    markdown: { type: "string" },
    only: { type: "string", multiple: true },
  },
})
const unknown = values.only?.find((part) => !parts.some((known) => known === part))
if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${parts.join(", ")}.`)
const settings = values.quick ? quickSettings : fullSettings
const results: Record<string, unknown> = { machine: machineLine(), settings }
const markdown: string[] = [machineLine()]

console.log(`${machineLine()}\n`)
await part("throughput", () => measureThroughput(settings.throughput), throughputTables)
await part("wires", () => measureWires(settings.wires), wiresTables)
await part("first-token", () => measureFirstToken(settings.firstToken), firstTokenTables)
await part("viewers", () => measureViewers(settings.viewers), viewersTables)
await part("streams", () => measureOpenStreams(settings.openStreams), openStreamsTables)
await part("long-sessions", () => measureLongSessions(settings.longSessions), longSessionsTables)
await part("store", () => measureStore(settings.store), storeTables)
if (canMeasurePostgres()) {
  await part("postgres", () => measurePostgres(settings.postgres), postgresTables)
} else if (isWanted("postgres")) console.log("The CPU time of Postgres can be measured on Linux only.")
await part("mcp", () => measureMcp(settings.mcp), mcpTables)
await part("heartbeat", () => measureHeartbeat(settings.heartbeat), heartbeatTables)
await part("prompt-cache", () => measurePromptCache(settings.promptCache), promptCacheTables)
await part("schedules", () => measureSchedules(settings.schedules), schedulesTables)
await part("sandbox", () => measureSandbox(settings.sandbox), sandboxTables)
await part("client-view", () => measureClientView(settings.clientView), clientViewTables)
await part("observers", () => measureObservers(settings.observers), observersTables)
if (arePeersInstalled()) await part("peers", () => measurePeers(settings.peers), peersTables)
else if (isWanted("peers")) console.log("Other products are not installed: npm ci --prefix bench/peers")
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
if (values.markdown !== undefined) writeFileSync(values.markdown, `${markdown.join("\n\n")}\n`)

async function part<Result>(
  name: (typeof parts)[number],
  measure: () => Promise<Result>,
  report: (result: Result) => readonly Table[],
): Promise<void> {
  if (!isWanted(name)) return
  const result = await measure()
  results[name] = result
  for (const table of report(result)) {
    console.log(`${asText(table)}\n`)
    markdown.push(asMarkdown(table))
  }
}

function isWanted(name: (typeof parts)[number]): boolean {
  return values.only === undefined || values.only.includes(name)
}
