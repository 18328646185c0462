import type { ContentPart } from "../../../core/history/messages.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { ToolSpecification } from "../../../core/ports/model/provider.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import type { RunRole } from "../../../core/runs/run-role.ts"
import type { AgentRuntime } from "../../agent/agent-runtime.ts"

/**
 * Returns the parts that execute a run. A rejection ends the run in `error`, unless the store is unavailable: the run
 * then stays open.
 */
export type ResolveRuntime = (request: RuntimeRequest) => Promise<AgentRuntime>

export interface RuntimeRequest {
  readonly session: Session
  readonly runId: string
  /** `resume` if the run started before: in a process that stopped, or before a wait. */
  readonly reason: "new" | "resume"
  /** The message that started the run. */
  readonly message: readonly ContentPart[]
  readonly context: JsonObject
  readonly channel: string | null
  /** The model that the client requested. */
  readonly model: string | null
  /** W3C Trace Context of the request that caused the run. Null if there is none. */
  readonly traceparent: string | null
  /** Tools that the client declared. */
  readonly clientTools: readonly ToolSpecification[]
  /** If true, the holder of an API key declared them. */
  readonly byKeyHolder: boolean
  /** Instructions of the client. Null if there are none. */
  readonly instructions: string | null
  /** The role of a sub-agent. Null for a run of the agent itself. */
  readonly role: RunRole | null
  /** Present only for a new run that this process accepted over HTTP. */
  readonly request?: () => Request
  /** Shows current subscribers what the run waits for. The message is one sentence, and is not stored. */
  readonly showStatus: (message: string) => void
  /** Aborted when the run is canceled, and when the process stops. */
  readonly signal: AbortSignal
}
