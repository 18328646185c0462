import type { Message } from "../history/messages.ts"
import type { Json, JsonObject } from "../json/json.ts"
import type { Logger } from "../ports/logger.ts"
import type { SchemaCheck } from "../ports/tools/schema-check.ts"
import type { Tool, ToolResult } from "../ports/tools/tool.ts"
import type { ToolOrigin } from "../tools/tool-origin.ts"
import type { Usage } from "../usage.ts"
import type { Approver } from "../wait.ts"

/**
 * Yields the events of a run. If it returns, the run is completed. If it throws, the run has failed. If it returns
 * while a reported call waits for approval, the run is parked. After every such call is decided, the runner is called
 * again.
 */
export type Runner = (request: RunnerRequest) => AsyncIterable<RunnerEvent>

export interface RunnerRequest {
  readonly sessionId: string
  /** Users of different tenants are different, whatever their `userId`. */
  readonly tenant: string
  readonly userId: string
  readonly runId: string
  readonly reason: "new" | "resume"
  /**
   * The conversation so far. The last user message is the one to respond to. If the run resumes, the results since
   * then follow it.
   */
  readonly messages: readonly Message[]
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** W3C Trace Context of the request that caused the run. Null if the request had none, or an invalid one. */
  readonly traceparent: string | null
  /** The state that the runner saved last in this run. Null if it saved none. */
  readonly state: Json
  /** The decisions on the calls that the runner waited for, in the order of its reports. */
  readonly decisions: readonly RunnerDecision[]
  /** Aborted on cancel and when the process stops. */
  readonly signal: AbortSignal
  /**
   * Resolves to the given tools, followed by those of the agent's MCP servers under names that are free. Waits for
   * servers that are starting. A runner that executes one of them calls `validate` and `execute` itself.
   */
  readonly listTools: (own: readonly Tool[]) => Promise<readonly Tool[]>
  /** Checks the input of a tool that the runner executes. */
  readonly checkSchema: SchemaCheck
  readonly logger: Logger
}

export interface RunnerDecision {
  /** The runner's own id of the call. */
  readonly id: string
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput: JsonObject | null
  /** Reason of the denial; null if none was given. */
  readonly reason: string | null
}

export type RunnerEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  | RunnerToolCall
  | { readonly type: "toolResult"; readonly id: string; readonly result: ToolResult }
  /** `priceList` is a provider's price list, by which the call is charged. */
  | { readonly type: "usage"; readonly usage: Usage; readonly model?: string; readonly priceList?: string }
  /** The runner receives it as `state` when it is called again for this run. */
  | { readonly type: "state"; readonly state: Json }

export interface RunnerToolCall {
  readonly type: "toolCall"
  /** The runner's own id. It connects the result and the decision to the call. */
  readonly id: string
  readonly name: string
  readonly input: JsonObject
  /**
   * Present if a person must allow the call first. The person is asked after the runner returns, and the call is
   * executed only after the runner was called again. An earlier call with the same id, without `approval` and without
   * a result, is the call to be approved.
   */
  readonly approval?: {
    readonly reason?: string
    /** Divides the calls of this tool into types that are granted separately. */
    readonly qualifier?: string
    /** The MCP server and the tool of the call, for a tool of `listTools`. A grant applies to this origin only. */
    readonly origin?: ToolOrigin
    /** JSON Schema of the input, to validate edited arguments. Default: any object. */
    readonly inputSchema?: JsonObject
    /** The people who may allow the call. Default: those of the agent's `approvalsBy`. */
    readonly approvalsBy?: Approver
  }
}
