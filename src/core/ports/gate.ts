import type { JsonObject } from "../json/json.ts"
import type { InterceptorDecided } from "../log/entries.ts"
import type { Tool } from "./tool.ts"

/** Decides if a call may be executed: interceptors first, then the approval policy and the grants. */
export interface Gate {
  /**
   * An interceptor or a policy that throws, or that does not return in time, denies. Rejects with
   * `StoreUnavailableError`, and with the reason of the call's signal as soon as that aborts.
   */
  decide(call: GatedCall): Promise<Verdict>
}

export interface GatedCall {
  readonly tool: Tool
  readonly toolCallId: string
  /** The model's input. Valid by the tool's schema. */
  readonly input: JsonObject
  /** The same as the tool's `validate` returned it, for the tool's own policy and qualifier. */
  readonly validated: unknown
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  readonly runId: string
  readonly channel: string | null
  readonly context: JsonObject
  /** If true, a person has allowed exactly this call, so that only a `deny` still counts. */
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
  /** Decisions of interceptors other than to allow, in their order. */
  readonly decisions: readonly Omit<InterceptorDecided, "type" | "toolCallId" | "toolName">[]
}
