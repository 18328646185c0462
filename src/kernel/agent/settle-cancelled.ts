import type { Event } from "../../core/log/entries.ts"
import type { JournalEffects } from "../../core/ports/run/journal.ts"
import { recordSteeredEnd } from "./steering.ts"
import { closeStep } from "./step-timeout.ts"

/**
 * Ends the open run as canceled: marks every call without a result, then logs the one terminal event. Rejects with
 * `RunSteeredError` if the messages that join the run have changed in the meantime.
 */
export async function settleCancelled(
  context: Parameters<typeof recordSteeredEnd>[0],
  effects: JournalEffects = {},
): Promise<void> {
  const run = context.conversation.run
  if (run === null) return
  const end: Event = { type: "runCompleted", disposition: "interrupted", reason: "cancelled", ...run.spent }
  await recordSteeredEnd(context, [...closeStep(run), end], effects)
}
