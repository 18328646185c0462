import type { JsonObject } from "../json/json.ts"
import type { ToolOrigin } from "../tool-origin.ts"
import type { ToolResult } from "./tool.ts"

/**
 * Changes the result of a call that was executed, by the gateway or by a client, before it is logged and before
 * anyone sees it. Returns the result as it is to leave it. A function that throws or does not return within
 * `callbackTimeoutMs` withholds the result: the model receives an error. May be called again for a call that is
 * repeated after a crash.
 */
export type TransformToolResult = (
  result: ToolResult,
  call: TransformedCall,
) => ToolResult | Promise<ToolResult>

export interface TransformedCall {
  readonly toolName: string
  /** The MCP server and its tool that were called; null for a local tool. */
  readonly origin: ToolOrigin | null
  readonly input: JsonObject
  readonly toolCallId: string
  readonly runId: string
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}
