import { findRepeated } from "../../core/find-repeated.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { ToolSpecification } from "../../core/ports/model/provider.ts"
import type { PutOutcome, Session } from "../../core/ports/store/session-log.ts"
import type { Sessions, StartRequest } from "./sessions.ts"

/** The parts of a run that clients of an agent may choose. */
export interface ClientRules {
  /** Models that a client may request. Undefined means any. */
  readonly allowedModels?: readonly string[] | undefined
  /** Checks tools that a client declares. Null or absent if clients may declare none. */
  readonly checkClientTools?: CheckClientTools | null
}

/** Resolves to the reason to refuse a client's tools. Null if the client may declare them. */
export type CheckClientTools = (
  tools: readonly ToolSpecification[],
  client: { readonly session: Session; readonly byKeyHolder: boolean },
  signal: AbortSignal,
) => Promise<ClientToolRefusal | null>

export type ClientToolRefusal =
  | { readonly status: "notAllowed"; readonly tool: string }
  /** The agent already has a tool with that name. */
  | { readonly status: "taken"; readonly tool: string }
  /** The schema of the tool's input cannot be used. */
  | { readonly status: "unusable"; readonly tool: string; readonly reason: string }

/** A message of a client. Defaults are those of a plain message. */
export interface ClientMessage
  extends Omit<StartRequest, "sessionId" | "principal" | "context" | "channel" | "model" | "idempotency">,
    Partial<Pick<StartRequest, "model" | "idempotency">> {
  /** The session, whose owner's storage is limited. */
  readonly session: Session
  readonly rules: ClientRules
  /** Its member `channel` is the channel of the run. Default `{}`. */
  readonly context?: JsonObject
  /** Aborts the checks. */
  readonly signal: AbortSignal
}

/** The fate of a message: that of `Sessions.start`, or the part that the agent does not allow. */
export type AcceptOutcome =
  | PutOutcome
  | { readonly status: "modelNotAllowed"; readonly allowedModels: readonly string[] }
  /** Clients of the agent may declare no tools. */
  | { readonly status: "clientToolsNotAllowed" }
  | { readonly status: "clientToolRepeated"; readonly tool: string }
  | { readonly status: "clientToolRefused"; readonly refusal: ClientToolRefusal }

/**
 * Accepts a message of a client, whichever protocol it came by. When this resolves to `accepted`, `duplicate` or
 * `steered`, its run is durable (rule 1), and the outcome has the run, its cursor and its position in the queue.
 */
export async function acceptMessage(
  sessions: Pick<Sessions, "start">,
  { session, rules, context = {}, signal, ...message }: ClientMessage,
): Promise<AcceptOutcome> {
  const { model = null, clientTools = [], byKeyHolder = false, idempotency = null } = message
  const { allowedModels, checkClientTools = null } = rules
  if (model !== null && allowedModels?.includes(model) === false)
    return { status: "modelNotAllowed", allowedModels }
  if (clientTools.length > 0) {
    const tool = findRepeated(clientTools.map(({ name }) => name))
    if (tool !== undefined) return { status: "clientToolRepeated", tool }
    if (checkClientTools === null) return { status: "clientToolsNotAllowed" }
    const refusal = await checkClientTools(clientTools, { session, byKeyHolder }, signal)
    if (refusal !== null) return { status: "clientToolRefused", refusal }
  }
  const { id: sessionId, tenant, userId } = session
  const channel = typeof context.channel === "string" ? context.channel : null
  const principal = { tenant, userId }
  return sessions.start({ ...message, sessionId, principal, context, channel, model, idempotency })
}
