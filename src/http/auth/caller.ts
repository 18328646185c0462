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
  /** Rejects with a 401 problem if the token was revoked meanwhile. Other credentials cannot be revoked. */
  requireUnrevoked(): Promise<void>
}
