import type { ToolSpecification } from "../core/ports/model/provider.ts"
import type { Session } from "../core/ports/store/session-log.ts"

/** Resolves to the reason to refuse a client's tools. Null if the client may declare them. */
export type CheckClientTools = (
  tools: readonly ToolSpecification[],
  session: Session,
  signal: AbortSignal,
) => Promise<ClientToolRefusal | null>

export type ClientToolRefusal =
  | { readonly status: "notAllowed"; readonly tool: string }
  /** The agent already has a tool with that name. */
  | { readonly status: "taken"; readonly tool: string }
  /** The schema of the tool's input cannot be used. */
  | { readonly status: "unusable"; readonly tool: string; readonly reason: string }

/** An agent whose sessions the routes serve. */
export interface ServedAgent {
  readonly name: string
  /** Models that a client may request. Undefined means any. */
  readonly allowedModels?: readonly string[] | undefined
  /** Checks tools that a client declares. Null or absent if clients may declare none. */
  readonly checkClientTools?: CheckClientTools | null
  /** If true, a run receives the HTTP request that started it. Default false: its body is freed early. */
  readonly usesRequests?: boolean
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
