import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createAgent, createLogger } from "ai-agent-gateway"
import { childSettings, serveParent } from "../parent.ts"

/** The whole product as a user would run it: official SDK, sessions and tokens, log on SQLite. */
const { upstream, maxConcurrentRuns } = childSettings<{
  readonly upstream: string
  readonly maxConcurrentRuns?: number
}>()
const store = await mkdtemp(join(tmpdir(), "agent-gateway-bench-"))
const gateway = createAgent("You are being measured.", {
  provider: "anthropic",
  apiKey: "bench",
  providerConfig: { baseURL: upstream },
  validApiKeys: ["bench"],
  // One key opens all sessions here; the limits would count them as one client.
  rateLimits: false,
  limits: {
    connectionsPerAddress: 10_000,
    viewersPerSession: 1_000_000,
    principalBytes: Number.MAX_SAFE_INTEGER,
  },
  maxConcurrentRunsPerPrincipal: maxConcurrentRuns ?? 1_000,
  store,
  logger: createLogger({ level: "error" }),
  ...(maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns }),
})
const { url } = await gateway.listen({ port: 0 })
serveParent(url, {
  async close() {
    await gateway.close({ graceMs: 0 })
    await rm(store, { recursive: true, force: true })
  },
})
