import type { JsonObject } from "../../json/json.ts"
import type { InterceptorDecided } from "../../log/entries.ts"
import type { Tool } from "./tool.ts"

/** Decides if a call may be executed. Interceptors decide first, then the approval policy and the grants. */
export interface Gate {
  /**
   * If an interceptor or a policy throws or does not return in time, the call is denied. Rejects with
   * `StoreUnavailableError`, and with the reason of the call's signal as soon as the signal aborts.
   */
  decide(call: GatedCall): Promise<Verdict>
}

export interface GatedCall {
  readonly tool: Tool
  readonly toolCallId: string
  /** The model's input. It matches the tool's schema. */
  readonly input: JsonObject
  /** The input as the tool's `validate` returned it, for the tool's own policy and qualifier. */
  readonly validated: unknown
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  readonly runId: string
  readonly channel: string | null
  readonly context: JsonObject
  /** If true, a person has allowed this very call, so that only a `deny` still counts. */
  readonly approved: boolean
  /** Aborted when the run is canceled, and when the process stops. */
  readonly signal: AbortSignal
}

export interface Verdict {
  readonly action: "execute" | "ask" | "deny"
  readonly qualifier: string | null
  /** Reason that a person sees when asked, or that the model receives on denial. */
  readonly code: string | null
  readonly reason: string | null
  /** Decisions of interceptors other than `allow`, in their order. */
  readonly decisions: readonly Omit<InterceptorDecided, "type" | "toolCallId" | "toolName">[]
}
