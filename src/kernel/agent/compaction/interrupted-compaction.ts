import { noUsage } from "../../../core/usage.ts"
import { interruptedByCrash } from "../conversation.ts"
import { record } from "../run-context.ts"

/** Logs the end of the request for a summary that the previous process did not finish, if there was one. */
export async function closeInterruptedCompaction(context: Parameters<typeof record>[0]): Promise<void> {
  const { conversation, stoppedInOrder } = context
  const compacting = conversation.run?.compacting ?? null
  if (compacting === null) return
  const { compactionId, model, inputTokens, inputCost } = compacting
  await record(context, [
    {
      type: "compactionFailed",
      compactionId,
      code: interruptedByCrash,
      model,
      usage: { ...noUsage, inputTokens },
      cost: inputCost,
      charged: inputCost,
      estimated: true,
      stoppedInOrder,
    },
  ])
}
