import type { Principal, Session } from "../../core/ports/store/session-log.ts"

/** The kind of credential by which the gateway knows the sender of a request. */
export type Credential = "sessionToken" | "userToken" | "apiKey" | "authenticate"

/** The sender of a request. */
export interface Caller {
  readonly principal: Principal
  readonly credential: Credential
  /** The session of a session token. Null with other credentials. */
  readonly session: Session | null
  /** The only agent that a token is for. Null with other credentials. */
  readonly agent: string | null
  /**
   * Resolves to true if the tokens of the user were revoked since, or the key that signed the token was removed. This
   * process knows it after at most five seconds. Other credentials cannot be revoked.
   */
  isRevoked(): Promise<boolean>
  /** Rejects with a 401 problem if the token or its session was revoked since. */
  requireUnrevoked(): Promise<void>
}
