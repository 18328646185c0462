import type { Session } from "../core/ports/store/session-log.ts"
import type { ClientRules } from "../kernel/sessions/accept-message.ts"

/** An agent whose sessions the routes serve. */
export interface ServedAgent extends ClientRules {
  readonly name: string
  /** If true, a run receives the HTTP request that started it. Default false: its body is freed early. */
  readonly usesRequests?: boolean
  /** Returns the external sources of the agent's tools, such as MCP servers. Default: none. */
  toolSources?(): readonly { readonly name: string }[]
}

/** The agents of one gateway. Sessions of other agents in the same store are treated as missing. */
export interface ServedAgents {
  /** The agent of the routes without an agent name. */
  readonly defaultName: string
  readonly names: readonly string[]
  has(name: string): boolean
  /** Throws if the session's agent is not served. */
  of(session: Session): ServedAgent
}

export function createServedAgents(agents: readonly ServedAgent[]): ServedAgents {
  const [first] = agents
  if (first === undefined) throw new Error("A gateway serves at least one agent.")
  const named = new Map(agents.map((agent) => [agent.name, agent]))
  return {
    defaultName: first.name,
    names: [...named.keys()],
    has: (name) => named.has(name),
    of({ agent: name }) {
      const agent = named.get(name)
      if (agent === undefined) throw new Error(`No agent named ${name} is served.`)
      return agent
    },
  }
}
