import type { Principal, Session } from "../core/ports/store/session-log.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { isSamePrincipal } from "./auth/principal.ts"
import type { SessionTokens } from "./auth/tokens.ts"
import { createSessionNotFound, Problem } from "./problem.ts"
import type { ServedAgents } from "./served-agents.ts"

export interface SessionChoice {
  /** Default: the agent of the existing session, or otherwise the default agent. */
  readonly agent?: string | undefined
  /** An existing session of the principal. Default: a new session. */
  readonly sessionId?: string | undefined
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
  readonly tokens: SessionTokens
}

export function createIssueSession({ sessions, agents, tokens }: IssueSessionOptions): IssueSession {
  return async (principal, { agent, sessionId: existingId }) => {
    // Only a client with valid credentials can find out which agents exist.
    if (agent !== undefined && !agents.has(agent)) throw createAgentNotFound()
    const session =
      existingId === undefined
        ? await sessions.create(principal, agent ?? agents.defaultName)
        : await requireSession(existingId, principal, agent)
    const { id: sessionId, tenant, userId } = session
    const { token, expiresAt } = await tokens.issue({ sessionId, tenant, userId })
    return {
      session_token: token,
      session_id: sessionId,
      user_id: userId,
      agent: session.agent,
      expires_at: expiresAt,
    }
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
