import type { RunLimits } from "../../core/child.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { WhenBusy } from "../../core/ports/inbox.ts"

/** Options that `run` and `stream` have in common. */
export interface StartOptions {
  /**
   * Id of the session to continue, which must be one of this gateway's agents and not revoked. Default: a new
   * session. Rejects with a `GatewayError`, code `session_not_found`, for any other session, and for one of another
   * owner or agent than named.
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
   * Decides over the message while the session has an open run, or a queued one that is due. `reject` rejects with
   * the code `run_active`, `queue` runs it after those, `interrupt` cancels the open run first, and `steer` adds the
   * message to the open run, whose end is then waited for. Default `reject`.
   */
  readonly whenBusy?: WhenBusy
  /** Milliseconds since the Unix epoch before which the run does not open. Default: at once. */
  readonly notBefore?: number
  /**
   * Names the work, for a caller that may be killed and started again: the same call made again follows the run that
   * exists, whether it is open or over, and starts no other. Without `sessionId` the session is the job's own. 1 to
   * 255 characters. A session keeps its jobs as long as it is kept itself. Rejects with a `GatewayError`, code
   * `job_id_reused`, if the job has another message. Default: each call starts a run.
   */
  readonly jobId?: string
  /**
   * Further texts of the message, one block each. They do not tell a job from another: a caller that is started again
   * may give others, and the run keeps the first ones. Default: none.
   */
  readonly notes?: readonly string[]
  /** Limits of the run, besides those of the agent. An agent with a loop of its own ignores them. Default: none. */
  readonly limits?: RunLimits
  /**
   * If true, the events of the run include `tool_input_delta`: the arguments of calls while the model writes them.
   * Default false.
   */
  readonly toolInputDeltas?: boolean
  /**
   * W3C Trace Context of what causes the run. It is passed on to tools, MCP servers, the model service and child
   * sessions. An invalid one is ignored. Default: none.
   */
  readonly traceparent?: string
  /** Cancels the run. The run then ends as `interrupted`, with the reason `cancelled`. */
  readonly signal?: AbortSignal
}
