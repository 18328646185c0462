import type { Interceptor } from "../../core/ports/tools/interceptor.ts"

export interface ToolRateLimit {
  /** Maximum number of calls within the window. */
  readonly max: number
  readonly windowSeconds: number
  /**
   * Tools that are counted together. A name is the one that the model knows, or a tool's name at its MCP server.
   * Default: each tool is counted separately.
   */
  readonly tools?: readonly string[]
  /** Unit whose calls are counted together. Default `user`. */
  readonly per?: "session" | "user"
  /** Returns milliseconds since the Unix epoch; for tests. */
  readonly now?: () => number
}

/** Maximum number of callers to remember. Those idle for longest are forgotten first. */
const maxCallers = 10_000

/**
 * Denies calls that exceed a number per time window. Counts in this process's memory, so each of several processes
 * counts its own calls. A call that a person approves counts once.
 */
export function rateLimitInterceptor(limit: ToolRateLimit): Interceptor {
  const { max, windowSeconds, tools, per = "user", now = Date.now } = limit
  const calls = new Map<string, readonly number[]>()
  return ({ toolName, origin, session, approved }) => {
    const isCounted = [toolName, origin?.tool].some((name) => name !== undefined && tools?.includes(name))
    if (approved || (tools !== undefined && !isCounted)) return { action: "allow" }
    const countedTools = tools === undefined ? toolName : "*"
    const caller = JSON.stringify([
      countedTools,
      session.tenant,
      session.userId,
      per === "session" ? session.id : null,
    ])
    const began = now() - windowSeconds * 1_000
    const recent = (calls.get(caller) ?? []).filter((at) => at > began)
    const [oldest = 0] = recent
    // A used entry goes to the end of the map, so that the map's order is by last use.
    calls.delete(caller)
    calls.set(caller, recent.length < max ? [...recent, now()] : recent)
    forgetIdle(calls)
    if (recent.length < max) return { action: "allow" }
    const seconds = Math.ceil((oldest - began) / 1_000)
    const message = `${toolName} was called ${max} times within ${windowSeconds} s. Try again in ${seconds} s.`
    return { action: "deny", code: "rate_limited", message }
  }
}

function forgetIdle(calls: Map<string, unknown>): void {
  const [idlest] = calls.keys()
  if (calls.size > maxCallers && idlest !== undefined) calls.delete(idlest)
}
