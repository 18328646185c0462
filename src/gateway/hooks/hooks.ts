import type { EventEntry } from "../../core/log/entries.ts"
import type { RunUsageReport, ToolReport, ToolTiming, UsageReport } from "../../core/runs/run-hooks.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { createFunctionSchema } from "../../platform/options/schemas.ts"

/**
 * Functions of the application that observe runs. They are called after the fact is durable, in the order of the
 * session.
 *
 * As options of the gateway they are called at least once for each event, whichever process made it. If a hook
 * throws, or does not return within `callbackTimeoutMs`, it is called again with the same id after a pause. Runs do
 * not wait for hooks.
 *
 * In a runtime that `buildChatRuntime` returns they are called at most once. A crash loses the call, because a
 * function of one request cannot outlive its process.
 */
export interface Hooks {
  /** Called with the tokens and the cost of each model call. */
  readonly onUsage?: (report: UsageReport, options: HookOptions) => void | Promise<void>
  /** Called with the usage and the cost of each run when it has ended. */
  readonly onRunUsage?: (report: RunUsageReport, options: HookOptions) => void | Promise<void>
  /** Called with the input and the result of each finished tool call. */
  readonly onToolResult?: (report: ToolReport, options: HookOptions) => void | Promise<void>
  /** Called with the duration of each finished tool call. */
  readonly onToolTiming?: (timing: ToolTiming, options: HookOptions) => void | Promise<void>
  /** Called with each durable event of every session. */
  readonly onEvent?: (entry: EventEntry, options: EventHookOptions) => void | Promise<void>
}

/** Functions of the application that observe sessions, independently of their runs. */
export interface SessionHooks {
  /**
   * Called with each session that was dropped after `sessionRetentionDays` without use. Called at least once: if the
   * hook throws, or does not return within `callbackTimeoutMs`, it is called again with the same id. Set it in every
   * process of the store, because the process that drops a session records the call.
   */
  readonly onSessionExpired?: (report: SessionReport, options: HookOptions) => void | Promise<void>
}

/** A session that was dropped. Times are in milliseconds since the Unix epoch. */
export interface SessionReport {
  /** The same in every report of the session. */
  readonly id: string
  readonly sessionId: string
  readonly tenant: string
  readonly userId: string
  readonly agent: string
  /** The session that started it as a sub-agent. Null if a client or the application started it. */
  readonly parentSessionId: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
}

export interface HookOptions {
  /** Aborted after `callbackTimeoutMs`, and when the closing gateway stops waiting. */
  readonly signal: AbortSignal
}

export interface EventHookOptions extends HookOptions {
  readonly sessionId: string
  /** Id of the event. It is the same in every report. */
  readonly id: string
}

export const sessionHookOptions = declareOptions<SessionHooks>()({
  onSessionExpired: createFunctionSchema<NonNullable<SessionHooks["onSessionExpired"]>>().optional(),
})

export const hookOptions = declareOptions<Hooks>()({
  onUsage: createFunctionSchema<NonNullable<Hooks["onUsage"]>>().optional(),
  onRunUsage: createFunctionSchema<NonNullable<Hooks["onRunUsage"]>>().optional(),
  onToolResult: createFunctionSchema<NonNullable<Hooks["onToolResult"]>>().optional(),
  onToolTiming: createFunctionSchema<NonNullable<Hooks["onToolTiming"]>>().optional(),
  onEvent: createFunctionSchema<NonNullable<Hooks["onEvent"]>>().optional(),
})
