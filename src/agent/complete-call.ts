import type { JournalEffects } from "../core/ports/journal.ts"
import type { ToolResult } from "../core/ports/tool.ts"
import { boundResult } from "./bound-result.ts"
import type { CallState } from "./call-state.ts"
import { record, type SettlingContext } from "./run-context.ts"

/** Logs the call's result: with it the call is settled. */
export async function complete(
  context: SettlingContext,
  { requested: { toolCallId, name, executionLocation } }: CallState,
  result: ToolResult,
  { durationMs = 0, server = null }: { readonly durationMs?: number; readonly server?: string | null } = {},
  effects?: JournalEffects,
): Promise<void> {
  const bounded = boundResult(result, context.runtime.maxToolResultBytes)
  const completed = { toolCallId, name, result: bounded, durationMs, server, executionLocation }
  await record(context, [{ type: "toolCallCompleted", ...completed }], effects)
}
