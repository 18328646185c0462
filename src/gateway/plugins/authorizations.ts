import type { FindAuthorization } from "../../http/routes/mcp-callback.ts"
import type { Agent } from "../agent/agent.ts"

/** Joins the authorizations of all agents. Null if no agent has a server that can request authorization. */
export function findAnyOf(agents: readonly Pick<Agent, "findAuthorization">[]): FindAuthorization | null {
  const finds = agents.map((agent) => agent.findAuthorization).filter((each) => each !== null)
  if (finds.length === 0) return null
  return async (callback) => {
    for (const find of finds) {
      // Only the agent that made a link knows it.
      const pending = await find(callback)
      if (pending !== null) return pending
    }
    return null
  }
}
