import type { TerminalEvent } from "../../core/log/entries.ts"
import { maxSummaryCharacters } from "../../core/runs/max-turns.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import type { Action } from "./next-action.ts"
import { selectRunIds } from "./observing/log-observer.ts"
import type { ModelRunContext } from "./run-context.ts"
import type { RunState } from "./run-state.ts"
import { recordEnd } from "./steering.ts"

/** Ends a run that has reached its maximum number of turns, with the summary that the application returns. */
export async function stopAtMaxTurns(
  context: ModelRunContext,
  run: RunState,
  { turnCount, maxTurns }: Extract<Action, { type: "stopAtMaxTurns" }>,
): Promise<void> {
  const summary = await requestSummary(context, run, { turnCount, maxTurns })
  const end: TerminalEvent = {
    type: "runCompleted",
    disposition: "interrupted",
    reason: "max_turns",
    ...run.spent,
  }
  const reached = { type: "maxTurnsReached", turnCount, maxTurns } as const
  await recordEnd(context, [summary === null ? reached : { ...reached, summary }, end])
}

/** Resolves to null without a summary. Rejects only if the run is aborted. */
async function requestSummary(
  { conversation, runtime, sessionId, signal, logger }: ModelRunContext,
  run: RunState,
  limits: { readonly turnCount: number; readonly maxTurns: number },
): Promise<string | null> {
  const { onMaxTurns, callbackTimeoutMs: timeoutMs } = runtime
  if (onMaxTurns === undefined) return null
  const report = { sessionId, runId: run.runId, ...limits, messages: conversation.shownMessages }
  try {
    const bounds = { name: "onMaxTurns", signal, timeoutMs }
    const summary = await callBounded(async (stop) => onMaxTurns(report, { signal: stop }), bounds)
    // The function may come from untyped code.
    if (typeof summary !== "string" || summary.trim() === "") return null
    return summary.slice(0, maxSummaryCharacters).toWellFormed()
  } catch (error) {
    signal.throwIfAborted()
    logger.error(
      { error, ...selectRunIds(sessionId, run) },
      "onMaxTurns failed. The run ends without a summary.",
    )
    return null
  }
}
