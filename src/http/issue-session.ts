import type { Principal } from "../core/ports/store/session-log.ts"
import type { Tokens } from "./auth/tokens.ts"
import type { ChooseSession, SessionChoice } from "./choose-session.ts"

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
