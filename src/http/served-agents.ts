import type { Session } from "../core/ports/session-log.ts"

/** An agent whose sessions the routes serve. */
export interface ServedAgent {
  readonly name: string
  /** Models that a client may ask for. Undefined: any. */
  readonly allowedModels?: readonly string[] | undefined
}

/** The agents of one gateway. Sessions of other agents in the same store are as if they did not exist. */
export interface ServedAgents {
  /** The agent of the routes that name none. */
  readonly defaultName: string
  readonly names: readonly string[]
  has(name: string): boolean
  /** Throws for a session of an agent that is not served. */
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
