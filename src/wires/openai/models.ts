import { Problem } from "../../http/problem.ts"
import type { ServedAgents } from "../../http/served-agents.ts"

/** The agent of a request, and the model that the client chose for it. */
export interface ModelChoice {
  readonly agent: string
  /** Null if the client chose none. */
  readonly model: string | null
}

/** Reads a `model`: the name of an agent, or `AGENT/MODEL`. Throws a 404 problem if no such agent is served. */
export function readModel(agents: ServedAgents, name: string): ModelChoice {
  if (agents.has(name)) return { agent: name, model: null }
  const slash = name.indexOf("/")
  const agent = slash === -1 ? name : name.slice(0, slash)
  if (slash !== -1 && slash < name.length - 1 && agents.has(agent))
    return { agent, model: name.slice(slash + 1) }
  throw new Problem(
    { code: "model_not_found", status: 404 },
    `There is no agent for this model. Set model to one of these: ${agents.names.join(", ")}.`,
  )
}

/** A model in the list of models. */
export interface ListedModel {
  readonly id: string
  readonly object: "model"
  readonly created: number
  readonly owned_by: string
}

export function listModels(agents: ServedAgents): readonly ListedModel[] {
  return agents.names.map((id) => ({ id, object: "model", created: 0, owned_by: "ai-agent-gateway" }))
}
