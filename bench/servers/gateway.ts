import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createAgent, createLogger, tool } from "ai-agent-gateway"
import { z } from "zod"
import { childSettings, serveParent } from "../parent.ts"
import { type SeedRequest, seedSessions } from "./seed-sessions.ts"
import { startStatementCount } from "./statement-count.ts"
import { toolName } from "./tool-use.ts"

/** The whole gateway as in production: official SDK, sessions and tokens, log on SQLite or Postgres. */
const {
  upstream,
  maxConcurrentRuns,
  path,
  tool: toolMode,
} = childSettings<{
  readonly upstream: string
  readonly maxConcurrentRuns?: number
  /** Data directory or Postgres URL that is kept. Default: a new directory that is removed. */
  readonly path?: string
  /**
   * If set, the agent has a tool. With `asks`, its calls need an approval, and the gateway does not summarize. Default:
   * no tool.
   */
  readonly tool?: "asks" | "runs"
}>()
const countStatements = path?.startsWith("postgres://") ? startStatementCount() : null
const store = path ?? (await mkdtemp(join(tmpdir(), "agent-gateway-bench-")))
const answering = tool({
  name: toolName,
  description: "Returns a number.",
  inputSchema: z.object({}),
  needsApproval: toolMode === "asks",
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
  ...(toolMode !== undefined && { tools: [answering] }),
  ...(toolMode === "asks" && { compaction: false }),
  logger: createLogger({ level: "error" }),
  ...(maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns }),
})
const { url } = await gateway.listen({ port: 0 })
serveParent(url, {
  answers: {
    seed: (request: SeedRequest) => seedSessions(store, request),
    statements: () => countStatements?.(),
  },
  async close() {
    await gateway.close({ graceMs: 0 })
    if (path === undefined) await rm(store, { recursive: true, force: true })
  },
})
