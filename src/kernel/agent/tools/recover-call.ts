import type { Tool } from "../../../core/ports/tools/tool.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { closeQuestion } from "../waits/take-answer.ts"
import type { CallState } from "./call-state.ts"
import { isFor } from "./current-tool.ts"

/**
 * Continues a call that a process started, and whose result it did not log before it ended (rule 10, recovery). The
 * call is repeated if its tool is read-only or idempotent. Otherwise it ends as interrupted, with an unknown outcome.
 */
export async function recoverCall(
  context: ModelRunContext,
  tool: Tool | undefined,
  call: CallState,
  { repeat }: { readonly repeat: () => Promise<void> },
): Promise<void> {
  const { toolCallId, name } = call.requested
  // The question belongs to an execution that has ended. A repeated call asks again.
  await closeQuestion(context, call)
  const isRepeatable = tool?.readOnly === true || tool?.idempotent === true
  if (isRepeatable && isFor(call, tool)) return repeat()
  const { stoppedInOrder } = context
  await record(context, [
    { type: "toolCallInterrupted", toolCallId, name, reason: "crashed", outcome: "unknown", stoppedInOrder },
  ])
}

/** Ends a call whose executor is gone, or whose name now identifies another tool. */
export async function loseCall(
  context: ModelRunContext,
  { requested: { toolCallId, name } }: CallState,
): Promise<void> {
  const lost = { reason: "lost", outcome: "unknown" } as const
  await record(context, [{ type: "toolCallInterrupted", toolCallId, name, ...lost }])
}
