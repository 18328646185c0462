import type { Session } from "../core/ports/session-log.ts"

/** What the middleware hands to the handlers. */
export interface HttpEnv {
  Variables: {
    /** The session whose token the request carries. */
    session: Session
  }
}
