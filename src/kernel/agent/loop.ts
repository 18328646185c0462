import type { RunStarted, StepStarted } from "../../core/log/entries.ts"
import { noSpending } from "../../core/usage.ts"
import { compactHistory } from "./compaction/compact-history.ts"
import { callModel, createStep } from "./model/call-model.ts"
import { checkOutput } from "./model/check-output.ts"
import { createTooLongEvent, decideNextAction } from "./next-action.ts"
import { requestCall } from "./request-call.ts"
import { type ModelRunContext, record } from "./run-context.ts"
import { joinSteering, recordCompletion, recordEnd } from "./steering.ts"
import {
  closeStep,
  createStepLimit,
  endOverdueStep,
  type StepLimit,
  StepTimeoutError,
} from "./step-timeout.ts"
import { stopAtMaxTurns } from "./stop-at-max-turns.ts"
import { dispatchCalls } from "./tools/dispatch-calls.ts"

/**
 * Continues the conversation's open run from the state of its log. Resolves to null if the run has ended. If the run
 * can only wait for answers, resolves to the time at which its first wait expires, in milliseconds since the Unix
 * epoch. Rejects with the signal's reason, or with the journal's error. The run is then still open.
 */
export async function runLoop(context: ModelRunContext): Promise<number | null> {
  const limit = createStepLimit(context)
  try {
    return await takeSteps(context, limit)
  } catch (thrown) {
    context.signal.throwIfAborted()
    if (!(thrown instanceof StepTimeoutError)) throw thrown
    await endOverdueStep(context, thrown)
    return null
  } finally {
    limit.stop()
  }
}

async function takeSteps(context: ModelRunContext, limit: StepLimit): Promise<number | null> {
  const { conversation, runtime, signal } = context
  for (;;) {
    signal.throwIfAborted()
    const { run } = conversation
    if (run === null) return null
    if (run.phase.type === "ready" && run.started.call === undefined) await joinSteering(context)
    const action = decideNextAction(run, computeMaxTurns(run, runtime.maxTurns))
    switch (action.type) {
      case "startStep":
        if (await hasRoom(context)) await limit.within((step) => callModel(step, action))
        break
      case "requestCall":
        await requestCall(context, action.call)
        break
      case "repeatStep":
        await limit.within((step) => callModel(step, action))
        break
      case "settleCalls": {
        const waitsUntil = await limit.within((step) => dispatchCalls(step, action.calls))
        const isHandedOver = decideNextAction(run, null).type === "handOverCalls"
        if (waitsUntil !== null && !isHandedOver) return waitsUntil
        break
      }
      case "handOverCalls": {
        const end = {
          type: "runCompleted",
          disposition: "completed",
          reason: "client_tools",
          ...run.spent,
        } as const
        await recordEnd(context, [...closeStep(run), end])
        break
      }
      case "completeStep":
        limit.stop()
        await completeStep(context)
        break
      case "checkOutput":
        await checkOutput(context, run, action.schema)
        break
      case "stopAtMaxTurns":
        await stopAtMaxTurns(context, run, action)
        break
      case "finish":
        await recordCompletion(context, [action.event])
        break
      default:
        action satisfies never
    }
  }
}

/** Compacts the conversation if necessary. Resolves to false if this ended the run. */
async function hasRoom(context: ModelRunContext): Promise<boolean> {
  const outcome = await compactHistory(context, { isRefused: false })
  if (outcome === "tooLong")
    await recordEnd(context, [createTooLongEvent(context.conversation.run?.spent ?? noSpending)])
  return outcome !== "tooLong" && outcome !== "ended"
}

/**
 * Returns the event that starts a run's first step, so that one commit opens the run and starts the step. Returns
 * null if something may precede or prevent the step, such as a budget or a compaction. The loop then starts the step.
 * A single message is never compacted.
 */
export function createFirstStep(
  { runtime, ids, conversation }: Pick<ModelRunContext, "runtime" | "ids" | "conversation">,
  started: Pick<RunStarted, "limits" | "call">,
): StepStarted | null {
  if (started.call !== undefined) return null
  const hasBudget = runtime.maxBudgetUsd !== undefined || started.limits?.maxBudgetUsd !== undefined
  const mayCompact = runtime.compaction !== null && conversation.messages.length > 0
  if (hasBudget || mayCompact || computeMaxTurns({ started }, runtime.maxTurns) === 0) return null
  return createStep(ids, 1)
}

function computeMaxTurns(
  { started: { limits } }: { readonly started: Pick<RunStarted, "limits"> },
  ofAgent = Number.POSITIVE_INFINITY,
): number | null {
  const most = Math.min(ofAgent, limits?.maxTurns ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(most) ? most : null
}

async function completeStep(context: ModelRunContext): Promise<void> {
  const { run } = context.conversation
  if (run?.phase.type !== "settling") return
  const { stepId } = run.phase.completed
  await record(context, [{ type: "stepCompleted", stepId, step: run.steps, ...run.stepSpent }])
}
