import type { JsonObject } from "../core/json.ts"

/**
 * Sees every call before a person is asked about it, in the order given, until one denies. An interceptor that throws, or
 * that does not return within `callbackTimeoutMs`, denies. Arguments that a person edited are seen again, with `approved`
 * true: then only a denial counts.
 */
export type Interceptor = (call: InterceptedCall) => Interception | Promise<Interception>

export interface InterceptedCall {
  readonly toolName: string
  readonly input: JsonObject
  /** Divides a tool's calls into types; see the tool's `qualifier`. */
  readonly qualifier: string | null
  readonly toolCallId: string
  readonly runId: string
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  readonly channel: string | null
  /** What the client sent with its message. */
  readonly context: JsonObject
  readonly approved: boolean
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}

export interface Interception {
  /** `warn` is told to the client and changes nothing; `ask` wants a person's approval. */
  readonly action: "allow" | "warn" | "ask" | "deny"
  /** Stable, for programs. */
  readonly code?: string
  /** For the person who is asked, or for the model that is denied. */
  readonly message?: string
}

/** Decides whether a person must allow a call. A policy that throws or does not return in time denies the call. */
export type ApprovalPolicy = (
  toolName: string,
  input: JsonObject,
  qualifier: string | null,
  options: PolicyOptions,
) => boolean | Promise<boolean>

export interface PolicyOptions {
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}
