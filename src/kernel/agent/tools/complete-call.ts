import type { Event, KeptOutput } from "../../../core/log/entries.ts"
import type { JournalEffects } from "../../../core/ports/run/journal.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { record, type SettlingContext } from "../run-context.ts"
import type { CallState } from "./call-state.ts"
import { truncateResult } from "./truncate-result.ts"

export interface Completion {
  readonly durationMs?: number
  readonly server?: string | null
  /** The end of the live output. Default: there was none. */
  readonly output?: readonly KeptOutput[]
  /** Events of the same commit that precede the result. */
  readonly after?: readonly Event[]
}

/** Logs the call's result, which settles the call. */
export async function completeCall(
  context: SettlingContext,
  call: CallState,
  result: ToolResult,
  completion: Completion = {},
  effects?: JournalEffects,
): Promise<void> {
  await record(context, createCompletion(context, call, result, completion), effects)
}

/** Returns the events that settle the call with its result. They belong into one commit. */
export function createCompletion(
  { runtime }: SettlingContext,
  { requested: { toolCallId, name, executionLocation }, warnings }: CallState,
  result: ToolResult,
  { durationMs = 0, server = null, output = [], after = [] }: Completion = {},
): readonly Event[] {
  const bounded = truncateResult(addWarnings(result, warnings), runtime.maxToolResultBytes)
  const kept = output.length > 0 ? { output } : {}
  const completed = { toolCallId, name, result: bounded, durationMs, server, executionLocation, ...kept }
  return [...after, { type: "toolCallCompleted", ...completed }]
}

/** Adds the warnings of interceptors to a result that is not an error, so that the model reads them. */
function addWarnings(result: ToolResult, warnings: readonly string[]): ToolResult {
  if (warnings.length === 0 || result.type === "error") return result
  const policy = warnings.map((text) => `Policy warning: ${text}`)
  return {
    ...result,
    warning: [...policy, ...(result.warning === undefined ? [] : [result.warning])].join(" | "),
  }
}
