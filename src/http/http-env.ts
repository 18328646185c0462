import type { Session } from "../core/ports/session-log.ts"

export interface HttpEnv {
  /** What the server adapter hands over; nothing where the app is mounted without one. */
  Bindings: { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } } }
  /** What the middleware hands to the handlers. */
  Variables: {
    /** The session whose token the request carries. */
    session: Session
  }
}
