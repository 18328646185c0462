import type { JsonObject } from "../core/json.ts"
import type { WhenBusy } from "../core/ports/inbox.ts"

/** What `run` and `stream` have in common. */
export interface StartOptions {
  /**
   * Id of the session to continue, which must be one of this gateway's agents and not revoked. Default: a new session. Rejects
   * with a `GatewayError`, code `session_not_found`, for any other session, and for one of another owner or agent than named.
   */
  readonly sessionId?: string
  /**
   * Owner of the session, as `authenticate` names a person: the owner of a new session, and who must be the owner of
   * `sessionId`. Default: a new session is the application's own, and the owner of `sessionId` is not checked.
   */
  readonly userId?: string
  /** Tenant of `userId`, as `authenticate` names it. Default `default`. */
  readonly tenant?: string
  /** Name of the session's agent. Default: the default agent for a new session, any for `sessionId`. */
  readonly agent?: string
  /** Given to `buildChatRuntime` and logged with the run, as the `context` of `POST /chat`. Default `{}`. */
  readonly context?: JsonObject
  /**
   * Decides over the message while the session has an open run, or a queued one that is due. `reject` rejects with the code
   * `run_active`, `queue` runs it after those, `interrupt` cancels the open run first, and `steer` adds the message to the
   * open run, whose end is then waited for. Default `reject`.
   */
  readonly whenBusy?: WhenBusy
  /** Milliseconds since the Unix epoch before which the run does not open. Default: at once. */
  readonly notBefore?: number
  /** Cancels the run. The run then ends as `interrupted`, with the reason `cancelled`. */
  readonly signal?: AbortSignal
}
