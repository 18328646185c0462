import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createAgent, createLogger, tool } from "ai-agent-gateway"
import { z } from "zod"
import { childSettings, serveParent } from "../parent.ts"
import { type SeedRequest, seedSessions } from "./seed-sessions.ts"
import { toolName } from "./tool-use.ts"

/** The whole gateway as in production: official SDK, sessions and tokens, log on SQLite. */
const { upstream, maxConcurrentRuns, path, asks } = childSettings<{
  readonly upstream: string
  readonly maxConcurrentRuns?: number
  /** Data directory that is kept. Default: a new one that is removed. */
  readonly path?: string
  /** If true, the agent has a tool whose calls need an approval, and does not summarize by itself. */
  readonly asks?: boolean
}>()
const store = path ?? (await mkdtemp(join(tmpdir(), "agent-gateway-bench-")))
const asking = tool({
  name: toolName,
  description: "Returns a number.",
  inputSchema: z.object({}),
  needsApproval: true,
  execute: () => 42,
})
const gateway = createAgent("You are being measured.", {
  provider: "anthropic",
  apiKey: "bench",
  providerConfig: { baseURL: upstream },
  validApiKeys: ["bench"],
  // One API key opens all sessions here, so the rate limits would count them as one client.
  rateLimits: false,
  limits: {
    connectionsPerAddress: 20_000,
    viewersPerSession: 1_000_000,
    principalBytes: Number.MAX_SAFE_INTEGER,
  },
  maxConcurrentRunsPerPrincipal: maxConcurrentRuns ?? 1_000,
  store,
  ...(asks === true && { tools: [asking], compaction: false }),
  logger: createLogger({ level: "error" }),
  ...(maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns }),
})
const { url } = await gateway.listen({ port: 0 })
serveParent(url, {
  answers: { seed: (request: SeedRequest) => seedSessions(store, request) },
  async close() {
    await gateway.close({ graceMs: 0 })
    if (path === undefined) await rm(store, { recursive: true, force: true })
  },
})
