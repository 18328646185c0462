import { existsSync } from "node:fs"
import { type Server, startLoad, startPeer, startServer, startUpstream, withChildren } from "./processes.ts"
import { type ByServer, measurePace, type ThroughputSettings, warmUp } from "./throughput.ts"

/** Files of bench/peers, with the name of each in a report. */
const peers = { "ai-sdk": "AI SDK + Hono", "openai-agents": "OpenAI Agents SDK + Hono", mastra: "Mastra" }

export interface PeersResult {
  readonly full: ByServer
  readonly real: ByServer
  readonly oneToken: ByServer
}

export function arePeersInstalled(): boolean {
  return existsSync(new URL("../peers/node_modules", import.meta.url))
}

/** Measures all servers in turns. All of them run for the whole measurement. */
export function measurePeers(settings: ThroughputSettings): Promise<PeersResult> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const load = await own(startLoad())
    const servers: Server[] = [
      await startServer(own, "limit", upstream),
      await startServer(own, "gateway", upstream),
    ]
    for (const [file, name] of Object.entries(peers)) {
      servers.push({ ...(await startPeer(own, file, upstream)), name })
    }
    for (const server of servers) await warmUp(server, load, settings.warmUpRounds)
    return {
      full: await measurePace(servers, load, "full", settings),
      real: await measurePace(servers, load, "real", settings),
      oneToken: await measurePace(servers, load, "oneToken", settings),
    }
  })
}
