import type { JsonObject } from "../../json/json.ts"
import type { ToolOrigin } from "../../tools/tool-origin.ts"

/**
 * Inspects every call before a person is asked about it. Interceptors run in the given order until one denies. An
 * interceptor that throws, or that does not return within `callbackTimeoutMs`, denies the call. If a person edits the
 * arguments, the interceptors run again with `approved` true. Then only a denial counts.
 */
export type Interceptor = (call: InterceptedCall) => Interception | Promise<Interception>

export interface InterceptedCall {
  /** Name of the tool as the model sees it. It depends on the agent's other tools; `origin` does not. */
  readonly toolName: string
  /** The MCP server and the tool of the call. Null for a local tool. */
  readonly origin: ToolOrigin | null
  readonly input: JsonObject
  /** The qualifier of the tool type. See the tool's `qualifier`. */
  readonly qualifier: string | null
  readonly toolCallId: string
  readonly runId: string
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  readonly channel: string | null
  /** The context that the client sent with its message. */
  readonly context: JsonObject
  readonly approved: boolean
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}

export interface Interception {
  /**
   * With `warn`, the call continues. The client receives the warning, and the model receives it with the result. With
   * `ask`, a person must allow the call.
   */
  readonly action: "allow" | "warn" | "ask" | "deny"
  /** Stable code for programs. */
  readonly code?: string
  /** Text for the person who decides, or for the model whose call is denied. */
  readonly message?: string
}

/**
 * Decides if a person must allow a call, for tools without a `needsApproval` of their own. If a policy throws or does
 * not return in time, the call is denied. A tool may be named `SERVER__TOOL` only because another tool has the same
 * name. The policy is then asked about both names, and a person must allow the call if either result is true.
 */
export type ApprovalPolicy = (call: PolicyCall) => boolean | Promise<boolean>

export interface PolicyCall {
  readonly toolName: string
  readonly input: JsonObject
  /** The qualifier of the tool type. Null if the tool has no `qualifier`. */
  readonly qualifier: string | null
  /** The MCP server and the tool of the call. Null for a local tool. */
  readonly origin: ToolOrigin | null
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}
