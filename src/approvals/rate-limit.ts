import type { Interceptor } from "../core/ports/interceptor.ts"

export interface ToolRateLimit {
  /** Calls let through within the window. */
  readonly max: number
  readonly windowSeconds: number
  /**
   * Tools it counts, all together: by the name that the model knows, or for a tool of an MCP server by its name there.
   * Default: every tool, each on its own.
   */
  readonly tools?: readonly string[]
  /** Unit whose calls are counted together. Default `user`. */
  readonly per?: "session" | "user"
  /** Milliseconds since the Unix epoch; for tests. */
  readonly now?: () => number
}

/** Callers it remembers; past it, those idle for longest are forgotten. */
const maxCallers = 10_000

/**
 * Denies calls past a number per window of time. Counts in this process's memory: with several servers, each counts its
 * own. A call that a person approves counts once.
 */
export function rateLimitInterceptor(limit: ToolRateLimit): Interceptor {
  const { max, windowSeconds, tools, per = "user", now = Date.now } = limit
  const calls = new Map<string, readonly number[]>()
  return ({ toolName, origin, session, approved }) => {
    const isCounted = [toolName, origin?.tool].some((name) => name !== undefined && tools?.includes(name))
    if (approved || (tools !== undefined && !isCounted)) return { action: "allow" }
    const counted = tools === undefined ? toolName : "*"
    const caller = JSON.stringify([
      counted,
      session.tenant,
      session.userId,
      per === "session" ? session.id : null,
    ])
    const began = now() - windowSeconds * 1_000
    const recent = (calls.get(caller) ?? []).filter((at) => at > began)
    const [oldest = 0] = recent
    // Set anew, so that the map's order is by last use.
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
