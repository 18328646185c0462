import type { SessionLog } from "../core/ports/session-log.ts"
import type { Readiness } from "../http/routes/status.ts"
import type { McpServerState } from "../mcp/server.ts"
import type { AgentService } from "./agent-service.ts"
import { storeCheck } from "./store-check.ts"

export type Check = Readiness["checks"][string]

/**
 * Anyone may ask for the readiness over HTTP. A person who opens a link lets the gateway in with an account of their
 * own, and a reason may quote what a server printed: everyone but the operator finds both in the log.
 */
export interface Audience {
  readonly isOperator: boolean
  readonly showsLinks: boolean
}

export interface ReadinessParts {
  readonly log: SessionLog
  readonly agents: readonly AgentService[]
  readonly accepting: boolean
}

/** The gateway is ready without the tools of an MCP server that is away, and without code execution. */
export async function readinessOf(
  { log, agents, accepting }: ReadinessParts,
  audience: Audience,
): Promise<Readiness> {
  const store = await storeCheck(log)
  const checks = await Promise.all(agents.map((agent) => checksOf(agent, audience, agents.length > 1)))
  return {
    ready: accepting && store.ok,
    checks: { store, ...Object.fromEntries(checks.flat()) },
  }
}

/** With several agents, each check names its agent. */
async function checksOf(
  agent: AgentService,
  audience: Audience,
  isOneOfSeveral: boolean,
): Promise<readonly (readonly [string, Check])[]> {
  const checks = Object.entries(await agent.checks(audience))
  return isOneOfSeveral ? checks.map(([name, check]) => [`${agent.name}/${name}`, check]) : checks
}

export function mcpChecks(
  states: Readonly<Record<string, McpServerState>>,
  audience: Audience,
): Readonly<Record<string, Check>> {
  const checks = Object.entries(states).map(([name, state]) => [`mcp:${name}`, serverCheck(state, audience)])
  return Object.fromEntries(checks)
}

function serverCheck(state: McpServerState, { showsLinks, isOperator }: Audience): Check {
  if (state.status === "ready") return { ok: true }
  const link = state.status === "needs_reauth" && showsLinks ? state.url : null
  const reason = state.status === "failed" && isOperator ? state.reason : null
  return { ok: false, detail: [state.status, link ?? reason].filter((part) => part !== null).join(": ") }
}
