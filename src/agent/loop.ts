import { dispatchCalls } from "./dispatch.ts"
import { callModel } from "./model-call.ts"
import { nextAction } from "./next-action.ts"
import { type ModelRunContext, record } from "./run-context.ts"

/**
 * Brings the conversation's open run on, from wherever its log is. Resolves to null when the run has ended; when it can
 * only wait for answers, to the time (milliseconds since the Unix epoch) at which the first wait is over.
 * Rejects with the signal's reason, or with what the journal rejects with; the run is then still open.
 */
export async function runLoop(context: ModelRunContext): Promise<number | null> {
  const { conversation, runtime, signal } = context
  for (;;) {
    signal.throwIfAborted()
    if (conversation.run === null) return null
    const action = nextAction(conversation.run, runtime.maxTurns)
    switch (action.type) {
      case "startStep":
      case "repeatStep":
        await callModel(context, action)
        break
      case "settleCalls": {
        const waitsUntil = await dispatchCalls(context, action.calls)
        if (waitsUntil !== null) return waitsUntil
        break
      }
      case "completeStep":
        await completeStep(context)
        break
      case "stopAtMaxTurns":
        await stopAtMaxTurns(context, action)
        break
      case "finish":
        await record(context, [action.event])
        break
      default:
        action satisfies never
    }
  }
}

async function completeStep(context: ModelRunContext): Promise<void> {
  const run = context.conversation.run
  if (run?.phase.type !== "settling") return
  const { stepId, usage } = run.phase.completed
  await record(context, [{ type: "stepCompleted", stepId, step: run.steps, usage }])
}

async function stopAtMaxTurns(
  context: ModelRunContext,
  { turnCount, maxTurns }: { readonly turnCount: number; readonly maxTurns: number },
): Promise<void> {
  const usage = context.conversation.run?.usage
  if (usage === undefined) return
  await record(context, [
    { type: "maxTurnsReached", turnCount, maxTurns },
    { type: "runCompleted", disposition: "interrupted", reason: "max_turns", usage },
  ])
}
