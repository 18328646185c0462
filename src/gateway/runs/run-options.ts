import type { JsonObject } from "../../core/json/json.ts"
import type { WhenBusy } from "../../core/ports/store/inbox.ts"
import type { RunLimits } from "../../core/runs/child.ts"

/** Options that `run` and `stream` share. */
export interface StartOptions {
  /**
   * Id of the session to continue. It must be a session of this gateway's agents that was not revoked. Default: a new
   * session. Rejects with a `GatewayError`, code `session_not_found`, for any other session, and for a session of
   * another owner or agent than specified.
   */
  readonly sessionId?: string
  /**
   * Your own id of the session, such as the id of a conversation elsewhere: unique for its owner and agent, 1 to 200
   * printable characters, not beginning with `sess_`. The session is created if it does not exist. Concurrent calls,
   * in any processes, receive the same session. Rejects with a `GatewayError`, code `session_revoked`, if it was
   * revoked. Not with `sessionId`. Default: none.
   */
  readonly externalId?: string
  /**
   * Owner of the session, like a person that `authenticate` returns. A new session belongs to this owner, `sessionId`
   * must belong to this owner, and `externalId` names a session of this owner. Default: a new session, and one with an
   * `externalId`, belongs to the application, and the owner of `sessionId` is not checked.
   */
  readonly userId?: string
  /** Tenant of `userId`, like the one that `authenticate` returns. Default `default`. */
  readonly tenant?: string
  /** Name of the session's agent. Default: the default agent for a new session, any agent for `sessionId`. */
  readonly agent?: string
  /**
   * Context that `buildChatRuntime` receives and that is logged with the run, like the `context` of `POST /chat`.
   * Default `{}`.
   */
  readonly context?: JsonObject
  /**
   * Decides what happens to the message while the session has an open run, or a queued run that is due. `reject`
   * rejects with the code `run_active`, `queue` runs the message after those runs, `interrupt` first cancels the open
   * run, and `steer` adds the message to the open run and waits for the end of that run. Default `reject`.
   */
  readonly whenBusy?: WhenBusy
  /**
   * Id of a run of the session whose place the message takes, with everything after it. An open run is canceled and
   * queued messages are withdrawn, whatever `whenBusy` is. Only with `sessionId` or `externalId`. Rejects with a
   * `GatewayError`, code `run_not_found`, if the session has no such run. Default: none.
   */
  readonly supersede?: string
  /** Time before which the run does not open, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number
  /**
   * Name of the job, for a caller that may be killed and started again. A repeated call follows the existing run,
   * open or ended, and starts no other. Without `sessionId`, the job has its own session. 1 to 255 characters. A
   * session keeps its jobs as long as it exists. Rejects with a `GatewayError`, code `job_id_reused`, if the job has
   * another message or `context`. Default: each call starts a run.
   */
  readonly jobId?: string
  /**
   * Further texts of the message, one block each. They do not identify a job: a caller that is started again may pass
   * other notes, and the run keeps the first ones. Default: none.
   */
  readonly notes?: readonly string[]
  /** Limits of the run, in addition to those of the agent. An agent with its own loop ignores them. Default: none. */
  readonly limits?: RunLimits
  /**
   * If true, the events of the run include `tool_input_delta`: the arguments of calls while the model writes them.
   * Default false.
   */
  readonly toolInputDeltas?: boolean
  /**
   * W3C Trace Context of the cause of the run. It is passed on to tools, MCP servers, the provider and child
   * sessions. An invalid one is ignored. Default: none.
   */
  readonly traceparent?: string
  /** Cancels the run on abort. The run then ends as `interrupted`, with the reason `cancelled`. */
  readonly signal?: AbortSignal
}
