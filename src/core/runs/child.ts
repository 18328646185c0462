import type { ContentPart } from "../history/messages.ts"
import type { Json, JsonObject } from "../json/json.ts"
import type { Cost, Spending } from "../usage.ts"
import type { RunRole } from "./run-role.ts"
import type { TurnLimit } from "./turn-limit.ts"

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
  /**
   * Maximum number of sub-agents of the parent's run, including this one, that work at once. At most 32, the default.
   */
  readonly maxConcurrent?: number
  /** Milliseconds that the call waits for the end of the run. The gateway then cancels the run. Default: one day. */
  readonly timeoutMs?: number
}

/** Limits of one run. If the agent has the same limit, the smaller one applies. */
export interface RunLimits extends TurnLimit {
  /**
   * Maximum cost of the run in US dollars. Default: an equal share of what is left of the budget of the parent's run;
   * without such a budget, only the agent's limit.
   */
  readonly maxBudgetUsd?: number
  /**
   * Maximum number of process crashes during the run. Default 20. Six crashes in a row without progress always end
   * the run.
   */
  readonly maxCrashes?: number
  /**
   * Time until which the ends of the run's background tasks may start runs, in milliseconds since the Unix epoch. Such
   * a run is canceled at that time. Default: no limit.
   */
  readonly announceUntil?: number
}

/** The end of a child's run, as its parent receives it. */
export interface ChildOutcome {
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Reason of the interruption: `cancelled`, `max_turns`, `max_tokens`, `budget`. Null otherwise. */
  readonly reason: string | null
  /**
   * The text of the last message; if the run did not complete, the texts of all its messages. Truncated to
   * `maxResponseCharacters`. The child's own log has the whole text.
   */
  readonly response: string
  /**
   * Names of the first 100 different tools that the model called, in the order of their first calls. Absent in outcomes
   * of older versions.
   */
  readonly toolsUsed?: readonly string[]
  /**
   * The output, if the task has a schema and the response matches it. Null if the JSON is longer than
   * `maxResponseCharacters`.
   */
  readonly output: Json
  readonly error: { readonly code: string; readonly message: string } | null
  /** Usage and cost of the run, including all its own children. */
  readonly spent: Spending
  /** US dollars that count against the parent's budget; null if a price is not known. */
  readonly charged: Cost
}

/** The code of the error if a child was canceled at its time limit. */
export const timeLimitCode = "child_timeout"

/** Maximum number of characters of a child's response that its parent receives. */
export const maxResponseCharacters = 100_000
