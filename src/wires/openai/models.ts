import { Problem } from "../../http/problem.ts"
import type { Exchange } from "./context.ts"

/** The agent of a request, and the model that the client chose for it. */
export interface ModelChoice {
  readonly agent: string
  /** Null if the client chose none. */
  readonly model: string | null
}

/** Reads a `model`: the name of an agent, or `AGENT/MODEL`. Throws a 404 problem if the caller has no such agent. */
export function readModel(exchange: Exchange, name: string): ModelChoice {
  const names = listAgents(exchange)
  if (names.includes(name)) return { agent: name, model: null }
  const slash = name.indexOf("/")
  const agent = slash === -1 ? name : name.slice(0, slash)
  if (slash !== -1 && slash < name.length - 1 && names.includes(agent))
    return { agent, model: name.slice(slash + 1) }
  throw new Problem(
    { code: "model_not_found", status: 404 },
    `There is no agent for this model. Set model to one of these: ${names.join(", ")}.`,
  )
}

/** A model in the list of models. */
export interface ListedModel {
  readonly id: string
  readonly object: "model"
  readonly created: number
  readonly owned_by: string
}

/** Returns the agent of a request without a `model`. */
export function selectDefaultAgent({ c, parts }: Exchange): string {
  return c.get("caller").agent ?? parts.agents.defaultName
}

/** A token is for one agent. The others are missing for it. */
function listAgents({ c, parts }: Exchange): readonly string[] {
  const { agent } = c.get("caller")
  return agent === null ? parts.agents.names : [agent]
}

export function listModels(exchange: Exchange): readonly ListedModel[] {
  return listAgents(exchange).map((id) => ({ id, object: "model", created: 0, owned_by: "ai-agent-gateway" }))
}
