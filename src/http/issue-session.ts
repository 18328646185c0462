import type { Principal } from "../core/ports/store/session-log.ts"
import type { Tokens } from "./auth/tokens.ts"
import { type ChooseSession, requireServed, type SessionChoice } from "./choose-session.ts"
import type { ServedAgents } from "./served-agents.ts"

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

/** A token for a user at one agent, as clients receive it. */
export interface IssuedUserToken {
  readonly user_token: string
  readonly user_id: string
  readonly agent: string
  /** Time at which the token expires, in seconds since the Unix epoch. */
  readonly expires_at: number
}

/** Resolves to a token of an authenticated principal for one agent. Rejects with a 404 problem without the agent. */
export type IssueUserToken = (principal: Principal, agent: string) => Promise<IssuedUserToken>

export function createIssueUserToken(agents: ServedAgents, tokens: Pick<Tokens, "issue">): IssueUserToken {
  return async ({ tenant, userId }, agent) => {
    // Only a client with valid credentials can find out which agents exist.
    requireServed(agents, agent)
    const { token, expiresAt } = await tokens.issue({ kind: "user", tenant, userId, agent })
    return { user_token: token, user_id: userId, agent, expires_at: expiresAt }
  }
}

export function createIssueSession(choose: ChooseSession, tokens: Pick<Tokens, "issue">): IssueSession {
  return async (principal, choice) => {
    const { id: sessionId, tenant, userId, agent } = await choose(principal, choice)
    const { token, expiresAt } = await tokens.issue({ kind: "session", sessionId, tenant, userId })
    return {
      session_token: token,
      session_id: sessionId,
      user_id: userId,
      agent,
      expires_at: expiresAt,
    }
  }
}
