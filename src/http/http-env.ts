import type { ServerResponse } from "node:http"
import type { Session } from "../core/ports/session-log.ts"
import type { Reach } from "./host-guard.ts"
import type { WiredStreamRequest } from "./sse/event-streams.ts"

export interface HttpEnv {
  Bindings: {
    /** The bindings that a server adapter passes on; empty if the app is mounted without one. */
    readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } }
    /**
     * From the gateway's own server alone. Elsewhere nothing is written past the adapter: an app around this one would
     * neither see that response nor be able to add headers to it.
     */
    readonly ownServer?: { readonly response: ServerResponse; readonly reach: Reach } | undefined
  }
  /** Values that the middleware and the handlers pass to each other. */
  Variables: {
    /** The session whose token the request carries. */
    session: Session
    /** The body as it came, after `boundedBody`. Undefined for an empty one. */
    bodyBytes: Uint8Array<ArrayBuffer> | undefined
    /** Set by a handler whose answer is a stream. */
    eventStream: WiredStreamRequest | undefined
    /** Takes a viewer's place of a session, for the response of this request. Throws a 429 if all are taken. */
    takeViewerPlace: (sessionId: string) => void
  }
}
