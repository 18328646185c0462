import type { OpenedPart } from "../../../core/log/deltas.ts"
import { interruptedByCrash } from "../conversation.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { countUsage, estimateInput } from "./estimate-tokens.ts"
import { createFailedCall, createRetryEvent } from "./failed-call-cost.ts"
import { createModelRequest } from "./model-request.ts"

/** The output of a model call that the previous process did not finish, as far as it was stored. */
export interface InterruptedOutput {
  readonly outputBytes: number
  readonly opened: readonly OpenedPart[]
}

/**
 * Logs the end of the model call that the previous process did not finish, if there was one. Its streamed text is
 * discarded, and its cost is estimated from its deltas. This comes before all else, so that the call counts however
 * the run continues.
 */
export async function closeInterruptedCall(
  context: ModelRunContext,
  { outputBytes, opened }: InterruptedOutput,
): Promise<void> {
  const { run } = context.conversation
  if (run?.phase.type !== "calling") return
  const { step, attempt: number } = run.phase
  const attempt = { step, number, modelIndex: run.modelIndex, retries: 0, pauseMs: 0 }
  const error = { code: interruptedByCrash, message: "The server stopped while the model responded." }
  const usage = await countUsage(null, {
    outputBytes,
    inputTokens: () => estimateInput(createModelRequest(context, attempt)),
    plainInputBytes: null,
  })
  const failed =
    run.failedCalls < number ? [createFailedCall(context, attempt, { code: error.code }, usage)] : []
  const { stoppedInOrder } = context
  await record(context, [
    ...failed,
    { ...createRetryEvent({ ...attempt, number: number + 1 }, error, opened), stoppedInOrder },
  ])
}
