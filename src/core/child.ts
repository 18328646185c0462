import type { Json, JsonObject } from "./json/json.ts"
import type { ContentPart } from "./messages.ts"
import type { RunRole } from "./run-role.ts"
import type { Cost, Spending } from "./usage.ts"

/** Work that a tool call hands to a session of its own. */
export interface ChildTask {
  /** The message that starts the session's run. */
  readonly content: readonly ContentPart[]
  /** The agent that works on it. Default: the agent of the call's session. */
  readonly agent?: string
  /** The context of the run. Default: that of the call's run. */
  readonly context?: JsonObject
  /** The model to use, if the agent allows a choice. */
  readonly model?: string
  /** Limits of the run, besides the agent's own. */
  readonly limits?: RunLimits
  /** The role that the agent plays in the run. Default: none, the run is the agent's own. */
  readonly role?: RunRole
  /** Sub-agents of the parent's run, this one included, that may work at once. At most 32, the default. */
  readonly maxConcurrent?: number
  /** Milliseconds that the call waits for the run's end; then the run is canceled. Default: a day. */
  readonly timeoutMs?: number
}

/** Limits of one run. The agent's own limits hold as well. */
export interface RunLimits {
  /** Most model calls of the run. Default: no further limit. */
  readonly maxTurns?: number
  /**
   * US dollars that the run may cost. Default: if the parent's run has a budget, an equal share of what is free of it;
   * else no further limit.
   */
  readonly maxBudgetUsd?: number
  /**
   * Most crashes of processes during the run. Default 20. Five crashes in a row without progress end the run in any
   * case.
   */
  readonly maxCrashes?: number
}

/** The end of a child's run, as its parent receives it. */
export interface ChildOutcome {
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Reason of the interruption: `cancelled`, `max_turns`, `max_tokens`, `budget`. Null otherwise. */
  readonly reason: string | null
  /** The text of the last message, truncated to `maxResponseCharacters`. The child's own log has all of it. */
  readonly response: string
  /**
   * The output, if a schema was asked for and the answer fits. Null if its JSON is longer than
   * `maxResponseCharacters`.
   */
  readonly output: Json
  readonly error: { readonly code: string; readonly message: string } | null
  /** Usage and cost of the run and of all its own children. */
  readonly spent: Spending
  /** US dollars that count against the parent's budget; null if a price is not known. */
  readonly charged: Cost
}

/** Characters of a child's response that its parent receives. */
export const maxResponseCharacters = 100_000
