import type { Logger } from "../core/ports/logger.ts"
import type { Principal, Session } from "../core/ports/store/session-log.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { isSamePrincipal } from "./auth/principal.ts"
import { createSessionNotFound, Problem } from "./problem.ts"
import type { ServedAgents } from "./served-agents.ts"

export interface SessionChoice {
  /** Default: the agent of the existing session, or otherwise the default agent. */
  readonly agent?: string | undefined
  /** An existing session of the principal. Default: a new session. */
  readonly sessionId?: string | undefined
  /** The external id of a session of the principal, which is created if it does not exist. Not with `sessionId`. */
  readonly externalId?: string | undefined
}

const sharedIds =
  "A client with an API key chose the id of a session without naming a user. All callers with keys of this tenant " +
  "share such ids and sessions. Name the user: as user_id in POST /chat/init, otherwise in the header x-user-id."

/** Resolves to a new or an existing session of an authenticated principal. */
export type ChooseSession = (principal: Principal, choice: SessionChoice) => Promise<Session>

export function createChooseSession({
  sessions,
  agents,
  logger,
}: {
  readonly sessions: Sessions
  readonly agents: ServedAgents
  readonly logger: Logger
}): ChooseSession {
  let hasWarned = false
  return async (principal, { agent, sessionId, externalId }) => {
    // Only a client with valid credentials can find out which agents exist.
    requireServed(agents, agent)
    if (sessionId !== undefined) return requireSession(sessionId, principal, agent)
    const name = agent ?? agents.defaultName
    if (externalId === undefined) return sessions.create(principal, name)
    if (principal.userId === "" && !hasWarned) {
      hasWarned = true
      // The tenant may be the digest of a key.
      logger.warn({}, sharedIds)
    }
    const { session } = await sessions.open(principal, name, externalId)
    return requireUnrevoked(session)
  }

  /**
   * Returns an existing session. The error is the same if the session does not exist, belongs to another principal or
   * agent, or was revoked.
   */
  async function requireSession(
    id: string,
    principal: Principal,
    agent: string | undefined,
  ): Promise<Session> {
    const session = await sessions.session(id)
    if (session === null || !isSamePrincipal(session, principal) || session.revokedAt !== null) {
      throw createSessionNotFound(404)
    }
    if (session.agent !== (agent ?? session.agent) || !agents.has(session.agent))
      throw createSessionNotFound(404)
    return session
  }
}

/** Throws a 404 problem for the name of an agent that is not served. */
export function requireServed(agents: ServedAgents, agent: string | undefined): void {
  if (agent === undefined || agents.has(agent)) return
  throw createAgentNotFound()
}

export function createAgentNotFound(): Problem {
  return new Problem({ code: "agent_not_found", status: 404 }, "The gateway serves no agent with this name.")
}

/** Returns a session that was chosen by its external id. Throws a 409 problem if it was revoked. */
export function requireUnrevoked(session: Session): Session {
  if (session.revokedAt === null) return session
  throw new Problem(
    { code: "session_revoked", status: 409 },
    "The session with this external id was revoked. Use another external id.",
  )
}
