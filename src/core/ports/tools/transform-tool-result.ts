import type { JsonObject } from "../../json/json.ts"
import type { ToolOrigin } from "../../tools/tool-origin.ts"
import type { ToolResult } from "./tool.ts"

/**
 * Changes the result of a call, executed by the gateway or by a client, before it is logged and shown. Returns the
 * new result. If the function throws or does not return within `callbackTimeoutMs`, the result is withheld, and the
 * model receives an error. The function may be called again if a call is repeated after a crash.
 */
export type TransformToolResult = (
  result: ToolResult,
  call: TransformedCall,
) => ToolResult | Promise<ToolResult>

export interface TransformedCall {
  readonly toolName: string
  /** The MCP server and the tool of the call. Null for a local tool. */
  readonly origin: ToolOrigin | null
  readonly input: JsonObject
  readonly toolCallId: string
  readonly runId: string
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}
