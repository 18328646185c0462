import type { HandledItem } from "../ports/store/outbox.ts"
import type { Cost, Usage } from "../usage.ts"

/** The end of a run of a root session. Plugins receive it to create outbox items. */
export interface RunEnd {
  readonly sessionId: string
  readonly runId: string
  readonly tenant: string
  readonly userId: string
  /** Milliseconds since the Unix epoch. */
  readonly endedAt: number
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Reason of the interruption: `cancelled`, `max_turns`, `max_tokens`, `budget`; null otherwise. */
  readonly reason: string | null
  readonly error: { readonly code: string; readonly message: string } | null
  /** The text of the last message. */
  readonly response: string
  /** Names of the different tools that the model called, in the order of their first calls. */
  readonly toolsUsed: readonly string[]
  readonly usage: Usage
  readonly cost: Cost
  /** W3C Trace Context of the run, for what is sent about its end. Absent if there is none. */
  readonly traceparent?: string
}

/** Returns the outbox items for the end of a run. It must have no side effects, because it may be called again. */
export type ItemsAtEnd = (end: RunEnd) => readonly HandledItem[]
