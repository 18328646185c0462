import type { ServerResponse } from "node:http"
import type { Session } from "../core/ports/store/session-log.ts"
import type { Caller } from "./auth/caller.ts"
import type { Reach } from "./middleware/host-guard.ts"
import type { Operator } from "./operate/operators.ts"

export interface HttpEnv {
  Bindings: {
    /** The bindings that a server adapter passes on; empty if the app is mounted without one. */
    readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } }
    /**
     * Only on the gateway's own server. On other servers nothing bypasses the adapter, because an app around this one
     * would not see that response, and could not add headers to it.
     */
    readonly ownServer?: { readonly response: ServerResponse; readonly reach: Reach } | undefined
  }
  /** Values that the middleware and the handlers pass to each other. */
  Variables: {
    /** The session of the request's token. */
    session: Session
    /** The sender of the request. */
    caller: Caller
    /** The operator of the request, on routes for operators. */
    operator: Operator
    /** The received body, after `readBoundedBody`. Undefined for an empty one. */
    bodyBytes: Uint8Array<ArrayBuffer> | undefined
  }
}
