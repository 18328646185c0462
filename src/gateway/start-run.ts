import { GatewayError } from "../core/errors.ts"
import type { Principal, PutOutcome, Session } from "../core/ports/session-log.ts"
import { isSamePrincipal, principalOfPerson } from "../http/auth/principal.ts"
import type { Sessions } from "../sessions/sessions.ts"
import type { CompiledSchema } from "../tools/input-schema.ts"
import { checkStartOptions } from "./check-options.ts"
import type { StartOptions } from "./run-options.ts"

/** The owner of work that comes from the application itself. */
export const localPrincipal: Principal = { tenant: "local", userId: "local" }

export interface StartParts {
  readonly sessions: Sessions
  /** Names of the agents that the gateway serves. */
  readonly agents: readonly string[]
  /** Name of the calling method, for messages. */
  readonly caller: "run" | "stream"
}

export interface StartedRun {
  readonly sessionId: string
  readonly runId: string
}

/** A run that the message started or joined. */
export interface AcceptedRun extends StartedRun {
  readonly cursor: number
  /** Place in the queue, from 1, of a run that has to wait. */
  readonly position?: number | undefined
  /** If true, the message joined a run that was open before. */
  readonly hasJoined: boolean
}

/** Puts the message into the session that the options name. Resolves once the run is durable. */
export async function startRun(
  { sessions, agents, caller }: StartParts,
  message: string,
  { schema, ...options }: StartOptions & { readonly schema?: CompiledSchema | undefined },
): Promise<AcceptedRun> {
  checkStartOptions(caller, options)
  const { signal, context = {}, whenBusy, notBefore } = options
  signal?.throwIfAborted()
  const { id: sessionId } = await findSession(sessions, agents, options)
  const { channel = null } = context
  const outcome = await sessions.start({
    sessionId,
    input: { type: "message", content: [{ type: "text", text: message }] },
    context,
    channel: typeof channel === "string" ? channel : null,
    model: null,
    idempotency: null,
    ...(whenBusy !== undefined && { whenBusy }),
    ...(notBefore !== undefined && { notBefore }),
    ...(schema !== undefined && { outputSchema: schema.jsonSchema }),
  })
  return { sessionId, ...acceptedRun(outcome) }
}

async function findSession(
  sessions: Sessions,
  agents: readonly string[],
  { sessionId, userId, tenant, agent }: StartOptions,
): Promise<Session> {
  if (agent !== undefined && !agents.includes(agent)) {
    throw new GatewayError(
      { code: "agent_not_found", status: 404 },
      `The gateway serves no agent named ${agent}.`,
    )
  }
  const owner = userId === undefined ? null : principalOfPerson({ userId, tenant })
  if (sessionId === undefined) return sessions.create(owner ?? localPrincipal, agent)
  const session = await sessions.session(sessionId)
  const isFound =
    session !== null &&
    session.revokedAt === null &&
    agents.includes(session.agent) &&
    (agent === undefined || session.agent === agent) &&
    (owner === null || isSamePrincipal(session, owner))
  if (isFound) return session
  throw new GatewayError(
    { code: "session_not_found", status: 404 },
    "The session does not exist, has expired, or is not of this user and agent.",
  )
}

function acceptedRun(outcome: PutOutcome): Omit<AcceptedRun, "sessionId"> {
  switch (outcome.status) {
    case "accepted":
    case "duplicate":
      return { runId: outcome.runId, cursor: outcome.cursor, position: outcome.position, hasJoined: false }
    case "steered":
      return { runId: outcome.runId, cursor: outcome.cursor, hasJoined: true }
    case "queueFull":
      throw new GatewayError(
        { code: "queue_full", status: 429, retryable: true },
        "As many messages as may wait in one session wait already. Try again when some of its runs have ended.",
      )
    case "busy":
      throw new GatewayError(
        { code: "run_active", status: 409, retryable: true },
        `Run ${outcome.runId} of this session is still open, or queued.`,
      )
    case "full":
      throw new GatewayError(
        { code: "session_too_large", status: 413 },
        "The session stores as much as a session may. Start a new session.",
      )
    case "unknown":
    case "keyReused":
      throw new GatewayError(
        { code: "session_not_found", status: 404 },
        "The session does not exist or has expired.",
      )
    default:
      return outcome satisfies never
  }
}
