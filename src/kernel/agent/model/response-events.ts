import type { AssistantPart, ModelPart } from "../../../core/history/messages.ts"
import type { Event, MessageCompleted, StepStarted } from "../../../core/log/entries.ts"
import type { ModelEnd, StopReason } from "../../../core/ports/model/provider.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import { resolveOrigin } from "../../../core/tools/tool-origin.ts"
import { addSpending, noSpending } from "../../../core/usage.ts"
import { endOfRun } from "../next-action.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { Charged } from "./budget.ts"

export interface AnswerDetails {
  readonly streamedFrom: number | null
  /** Ids of calls whose arguments were streamed, by their index in the content. */
  readonly callIds: ReadonlyMap<number, string>
  readonly spending: Charged
  readonly estimated: boolean
  /** The tools in the model's request. Servers may have changed theirs since then. */
  readonly shownTools: readonly Tool[]
}

/**
 * Returns the events of a response that need no further work: the requested calls, or the end of the step and, if it
 * is certain, of the run. One commit instead of three saves 10 % of a short run's CPU time.
 */
export function createResponseEvents(
  context: ModelRunContext,
  { stepId, messageId, step }: StepStarted,
  end: ModelEnd,
  { streamedFrom, callIds, spending, estimated, shownTools }: AnswerDetails,
): Event[] {
  const { run } = context.conversation
  const content = dropIncompleteCalls(end).map((part, index) => addCallId(part, callIds.get(index), context))
  const calls = content.filter((part) => part.type === "toolCall")
  const stopReason = stopReasonOf(end.stopReason, calls.length)
  const message: MessageCompleted = {
    type: "messageCompleted",
    stepId,
    messageId,
    message: { role: "assistant", content },
    model: end.model,
    ...spending,
    estimated,
    stopReason,
    streamedFrom,
  }
  const requested = calls.map(({ toolCallId, name, input }, callIndex): Event => {
    const tool = shownTools.find((candidate) => candidate.name === name)
    const executionLocation = tool?.executionLocation ?? "backend"
    const origin = tool === undefined ? null : resolveOrigin(tool, input)
    const call = { stepId, toolCallId, name, input, callIndex, executionLocation }
    return { type: "toolCallRequested", ...call, ...(origin !== null && { origin }) }
  })
  if (requested.length > 0) return [message, ...requested]
  const stepSpent = addSpending(run?.stepSpent ?? noSpending, spending)
  const events: Event[] = [message, { type: "stepCompleted", stepId, step, ...stepSpent }]
  const checksOutput = stopReason === "end" && run?.started.outputSchema != null
  const endEvent = checksOutput ? null : endOfRun(stopReason, addSpending(run?.spent ?? noSpending, spending))
  return endEvent === null ? events : [...events, endEvent]
}

/**
 * Drops incomplete calls. A call that was truncated before its first argument looks like a call without arguments,
 * and must not be executed as one.
 */
function dropIncompleteCalls({ content, stopReason }: ModelEnd): readonly ModelPart[] {
  const last = content.at(-1)
  const isCut = stopReason === "maxTokens" || stopReason === "contextFull" || stopReason === "contentFilter"
  if (!isCut || last?.type !== "toolCall" || Object.keys(last.input).length > 0) return content
  return [...content.slice(0, -1), { malformedInput: "", ...last }]
}

function addCallId(part: ModelPart, shownId: string | undefined, { ids }: ModelRunContext): AssistantPart {
  return part.type === "toolCall" ? { ...part, toolCallId: shownId ?? ids.next("call") } : part
}

/**
 * Returns the actual stop reason. Providers report different reasons beside calls, so the presence of calls decides.
 */
function stopReasonOf(reported: StopReason, calls: number): StopReason {
  if (calls > 0) return "toolCalls"
  return reported === "toolCalls" ? "end" : reported
}
