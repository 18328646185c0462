import type { AgentRuntime } from "../../agent/agent-runtime.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { ContentPart } from "../../core/messages.ts"
import type { ToolSpecification } from "../../core/ports/provider.ts"
import type { Session } from "../../core/ports/session-log.ts"
import type { RunRole } from "../../core/run-role.ts"

/** Gives what a run is executed with. A rejection ends the run in `error`. */
export type ResolveRuntime = (request: RuntimeRequest) => Promise<AgentRuntime>

export interface RuntimeRequest {
  readonly session: Session
  readonly runId: string
  /** `resume` when the run was begun before: by a process that stopped, or before a wait. */
  readonly reason: "new" | "resume"
  /** The message that started the run. */
  readonly message: readonly ContentPart[]
  readonly context: JsonObject
  readonly channel: string | null
  /** The model the client asked for. */
  readonly model: string | null
  /** W3C Trace Context of the request that caused the run; null for none. */
  readonly traceparent: string | null
  /** Tools that the client declared. */
  readonly clientTools: readonly ToolSpecification[]
  /** The role of a sub-agent; null for a run of the agent itself. */
  readonly role: RunRole | null
  /** Only when new, and only if this process accepted it over HTTP. */
  readonly request?: () => Request
  /** Aborted when the run is canceled, and when the process stops. */
  readonly signal: AbortSignal
}
