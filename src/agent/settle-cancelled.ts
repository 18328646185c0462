import type { Event } from "../core/log/entries.ts"
import type { JournalEffects } from "../core/ports/journal.ts"
import type { RunHooks } from "../core/run-hooks.ts"
import type { RunContext } from "./run-context.ts"
import { recordSteeredEnd } from "./steering.ts"
import { outcomeOf } from "./tools/call-state.ts"

/**
 * Ends the open run as canceled: marks every call without a result, then logs the one terminal event. Rejects with
 * `RunSteeredError` if a message has joined the run in the meantime.
 */
export async function settleCancelled(
  context: RunContext & { readonly runtime: { readonly hooks: RunHooks } },
  effects: JournalEffects = {},
): Promise<void> {
  const run = context.conversation.run
  if (run === null) return
  const events: Event[] = []
  if (run.phase.type === "settling") {
    const { calls, completed } = run.phase
    for (const call of calls.values()) {
      if (call.state === "settled") continue
      const { toolCallId, name } = call.requested
      const outcome = outcomeOf(call)
      events.push({ type: "toolCallInterrupted", toolCallId, name, reason: "cancelled", outcome })
    }
    events.push({ type: "stepCompleted", stepId: completed.stepId, step: run.steps, ...run.stepSpent })
  }
  events.push({ type: "runCompleted", disposition: "interrupted", reason: "cancelled", ...run.spent })
  await recordSteeredEnd(context, events, effects)
}
