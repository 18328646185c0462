import type { Json } from "../json/json.ts"
import type { EventEntry } from "../log/entries.ts"
import type { ToolResult } from "../ports/tools/tool.ts"
import type { Cost, Usage } from "../usage.ts"

/**
 * Hooks of one request. They are called in order, after the fact is durable. The run does not wait for a hook. A
 * crash in between loses the call of the hook, but the log keeps the fact. If a hook throws, the error is logged and
 * the run continues.
 */
export interface RunHooks {
  readonly onUsage?: (report: UsageReport) => void | Promise<void>
  readonly onRunUsage?: (report: RunUsageReport) => void | Promise<void>
  readonly onToolResult?: (report: ToolReport) => void | Promise<void>
  readonly onToolTiming?: (report: ToolTiming) => void | Promise<void>
  readonly onEvent?: (
    entry: EventEntry,
    origin: { readonly sessionId: string; readonly id: string },
  ) => void | Promise<void>
}

export interface UsageReport {
  /** Id of the model call. It is the same in every report. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly model: string
  readonly usage: Usage
  /** US dollars. Null if the price of the model is not known. */
  readonly cost: Cost
  /** If true, the usage is the gateway's estimate, because the provider reported none or the call was interrupted. */
  readonly estimated: boolean
  /** If true, the call gave no response. It may have cost something nevertheless. */
  readonly failed: boolean
}

/** The end of a run, with the usage and the cost of all its model calls. */
export interface RunUsageReport {
  /** Id of the run's end. It is the same in every report. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Number of turns that the run started. */
  readonly turns: number
  /** Tokens of all model calls, including failed ones. */
  readonly usage: Usage
  /** US dollars. Null if the price of a model is not known. */
  readonly cost: Cost
}

export interface ToolReport {
  /** Id of the result. It is the same in every report. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly input: Json
  readonly result: ToolResult
}

export interface ToolTiming {
  /** Id of the call's end. It is the same in every report. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  /** The MCP server of the tool. Null for another tool. */
  readonly server: string | null
  readonly durationMs: number
  readonly ok: boolean
  /** Size of the result in bytes, as JSON. */
  readonly resultBytes: number
}
