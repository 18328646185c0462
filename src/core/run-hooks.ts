import type { Json } from "./json/json.ts"
import type { EventEntry } from "./log/entries.ts"
import type { ToolResult } from "./ports/tool.ts"
import type { Cost, Usage } from "./usage.ts"

/**
 * Hooks of one request. They are called after the fact is durable, in order. The run does not wait for a hook. A
 * crash in between loses the call, and the log keeps the fact. A hook that throws is logged, and the run continues.
 */
export interface RunHooks {
  readonly onUsage?: (report: UsageReport) => void | Promise<void>
  readonly onToolResult?: (report: ToolReport) => void | Promise<void>
  readonly onToolTiming?: (report: ToolTiming) => void | Promise<void>
  readonly onMaxTurns?: (report: MaxTurnsReport) => void | Promise<void>
  readonly onEvent?: (
    entry: EventEntry,
    origin: { readonly sessionId: string; readonly id: string },
  ) => void | Promise<void>
}

export interface UsageReport {
  /** Id of the model call: the same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly model: string
  readonly usage: Usage
  /** US dollars; null when the model's price is not known. */
  readonly cost: Cost
  /** If true, the usage is the gateway's estimate: the service gave none, or the call was cut. */
  readonly estimated: boolean
  /** If true, the call gave no response; it may have cost something all the same. */
  readonly failed: boolean
}

export interface ToolReport {
  /** Id of the result: the same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly input: Json
  readonly result: ToolResult
}

export interface ToolTiming {
  /** Id of the call's end: the same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly durationMs: number
  readonly ok: boolean
}

export interface MaxTurnsReport {
  /** The same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly turnCount: number
  readonly maxTurns: number
}
