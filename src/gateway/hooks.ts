import type { ToolReport, ToolTiming, UsageReport } from "../core/agent-runtime.ts"
import type { EventEntry } from "../core/entries.ts"

/**
 * Functions of the application that observe runs. They are called after the fact is durable, in order. The run does not
 * wait for a hook; the gateway does when it closes, for two seconds. A crash in between loses the call, and the log keeps
 * the fact. A hook that throws, or that does not return within `callbackTimeoutMs`, is logged, and the run continues.
 */
export interface Hooks {
  /** Called with the tokens and the cost of each model call. */
  readonly onUsage?: (report: UsageReport, options: HookOptions) => void | Promise<void>
  /** Called with the input and the result of each finished tool call. */
  readonly onToolResult?: (report: ToolReport, options: HookOptions) => void | Promise<void>
  /** Called with the duration of each finished tool call. */
  readonly onToolTiming?: (timing: ToolTiming, options: HookOptions) => void | Promise<void>
  /** Called with each durable event of every session. */
  readonly onEvent?: (
    entry: EventEntry,
    options: HookOptions & { readonly sessionId: string },
  ) => void | Promise<void>
}

export interface HookOptions {
  /** Aborted after `callbackTimeoutMs`, and when the closing gateway no longer waits. */
  readonly signal: AbortSignal
}
