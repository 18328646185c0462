import type { Principal, Session } from "../core/ports/store/session-log.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { isSamePrincipal } from "./auth/principal.ts"
import type { Tokens } from "./auth/tokens.ts"
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

/** A session and a token for it, as clients receive them. */
export interface IssuedSession {
  readonly session_token: string
  readonly session_id: string
  readonly user_id: string
  readonly agent: string
  /** Time at which the token expires, in seconds since the Unix epoch. */
  readonly expires_at: number
}

/** Resolves to a token for a new or an existing session of an authenticated principal. */
export type IssueSession = (principal: Principal, choice: SessionChoice) => Promise<IssuedSession>

export interface IssueSessionOptions {
  readonly sessions: Sessions
  readonly agents: ServedAgents
  readonly tokens: Tokens
}

export function createIssueSession({ sessions, agents, tokens }: IssueSessionOptions): IssueSession {
  return async (principal, { agent, sessionId: existingId, externalId }) => {
    // Only a client with valid credentials can find out which agents exist.
    if (agent !== undefined && !agents.has(agent)) throw createAgentNotFound()
    const session = await findSession()
    const { id: sessionId, tenant, userId } = session
    const { token, expiresAt } = await tokens.issue({ kind: "session", sessionId, tenant, userId })
    return {
      session_token: token,
      session_id: sessionId,
      user_id: userId,
      agent: session.agent,
      expires_at: expiresAt,
    }

    function findSession(): Promise<Session> {
      if (existingId !== undefined) return requireSession(existingId, principal, agent)
      const name = agent ?? agents.defaultName
      return externalId === undefined
        ? sessions.create(principal, name)
        : openSession(principal, name, externalId)
    }
  }

  async function openSession(principal: Principal, agent: string, externalId: string): Promise<Session> {
    const { session } = await sessions.open(principal, agent, externalId)
    if (session.revokedAt === null) return session
    throw new Problem(
      { code: "session_revoked", status: 409 },
      "The session with this external id was revoked. Use another external id.",
    )
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

function createAgentNotFound(): Problem {
  return new Problem({ code: "agent_not_found", status: 404 }, "The gateway serves no agent with this name.")
}
