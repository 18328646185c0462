import { joinTexts } from "../../core/history/messages.ts"
import { type Event, isTerminal, type TerminalEvent } from "../../core/log/entries.ts"
import type { OutboxItem } from "../../core/ports/store/outbox.ts"
import type { ItemsAtEnd, RunEnd } from "../../core/runs/run-end.ts"
import { selectTraceparent } from "./observing/observe-event.ts"
import type { RunContext } from "./run-context.ts"
import type { RunState } from "./run-state.ts"

/**
 * Returns the outbox items of the agent's plugins for the end of a run of a root session. They are stored with that
 * end.
 */
export function collectEndItems(
  context: RunContext & { readonly runtime: { readonly itemsAtEnd?: ItemsAtEnd } },
  events: readonly Event[],
): readonly OutboxItem[] {
  const { runtime, tree, conversation, logger, sessionId } = context
  const end = events.find(isTerminal)
  if (end === undefined || runtime.itemsAtEnd === undefined || tree.parent !== null) return []
  const { run } = conversation
  // The caller of a tool receives its outcome. A conversation on a channel does not change.
  if (run === null || run.started.call !== undefined) return []
  const last = events.findLast((event) => event.type === "messageCompleted")?.message
  // Without a response of this run, the last one belongs to an earlier run.
  const former = hasResponse(run) ? conversation.messages.findLast(({ role }) => role === "assistant") : null
  const message = last ?? former
  const traceparent = selectTraceparent(context, run.runId)
  try {
    return runtime.itemsAtEnd({
      sessionId,
      runId: run.runId,
      tenant: context.tenant,
      userId: context.userId,
      endedAt: context.clock.now(),
      ...toOutcome(end),
      response: message?.role === "assistant" ? joinTexts(message.content) : "",
      toolsUsed: run.toolsUsed,
      usage: end.usage,
      cost: end.cost,
      ...(traceparent !== null && { traceparent }),
    })
  } catch (error) {
    logger.error(
      { error, sessionId },
      "A plugin failed at the end of a run. No plugin delivers anything for this run.",
    )
    return []
  }
}

/** Returns true if the model has responded in this run. */
function hasResponse({ steps, phase }: RunState): boolean {
  return phase.type === "calling" ? steps > 1 : steps > 0
}

function toOutcome(end: TerminalEvent): Pick<RunEnd, "outcome" | "reason" | "error"> {
  if (end.type === "runCompleted") return { outcome: end.disposition, reason: end.reason, error: null }
  const { code, message } = end
  return { outcome: "failed", reason: null, error: { code, message } }
}
