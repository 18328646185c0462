import type { JsonObject } from "../json/json.ts"
import type { ToolOrigin } from "../tool-origin.ts"

/**
 * Sees every call before a person is asked about it, in the order given, until one denies. An interceptor that
 * throws, or that does not return within `callbackTimeoutMs`, denies. Arguments that a person edited are seen again,
 * with `approved` true: then only a denial counts.
 */
export type Interceptor = (call: InterceptedCall) => Interception | Promise<Interception>

export interface InterceptedCall {
  /** Name of the tool as the model sees it. It depends on the agent's other tools; `origin` does not. */
  readonly toolName: string
  /** The MCP server and its tool that would be called; null for a local tool. */
  readonly origin: ToolOrigin | null
  readonly input: JsonObject
  /** The call's part of the tool type; see the tool's `qualifier`. */
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
  /** With `warn`, the client receives the warning and the call continues. With `ask`, a person must allow the call. */
  readonly action: "allow" | "warn" | "ask" | "deny"
  /** Stable code for programs. */
  readonly code?: string
  /** Text for the person who decides, or for the model whose call is denied. */
  readonly message?: string
}

/**
 * Decides for tools without a `needsApproval` of their own if a person must allow a call. A policy that throws or does
 * not return in time denies the call. A tool that is named `SERVER__TOOL` only because another tool has its name as
 * well is asked about under both names, and a person is asked if either call returns true.
 */
export type ApprovalPolicy = (call: PolicyCall) => boolean | Promise<boolean>

export interface PolicyCall {
  readonly toolName: string
  readonly input: JsonObject
  /** The call's part of the tool type; null if the tool has no `qualifier`. */
  readonly qualifier: string | null
  /** The MCP server and its tool that would be called; null for a local tool. */
  readonly origin: ToolOrigin | null
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}
