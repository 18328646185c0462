import { RunCancelledError, toError } from "../../../core/errors.ts"
import { extendFingerprint } from "../../../core/history/history-fingerprint.ts"
import { extendTurns, maxFormerTurns } from "../../../core/history/history-turns.ts"
import type { ModelPart } from "../../../core/history/messages.ts"
import type { CompactionFailed } from "../../../core/log/compaction.ts"
import type { StepStarted } from "../../../core/log/entries.ts"
import type { CompactionStep, ConversationSummary } from "../../../core/ports/model/compaction.ts"
import type { ModelEnd } from "../../../core/ports/model/provider.ts"
import type { Journal } from "../../../core/ports/run/journal.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { addSpending, noSpending, noUsage } from "../../../core/usage.ts"
import { computeBackoff } from "../../../platform/backoff/backoff.ts"
import { createSummaryMessage, joinSummary } from "../conversation-notes.ts"
import { checkBudget, computeCharge } from "../model/budget.ts"
import { type CountedUsage, countOutputBytes, countUsage, estimateInput } from "../model/estimate-tokens.ts"
import { collectEvidence, countFailedCall, freeOfCharge, mayHaveCost } from "../model/failed-call-cost.ts"
import { modelBackoff } from "../model/model-attempt.ts"
import { createStreamed, streamResponse } from "../model/stream-response.ts"
import { selectRunIds } from "../observing/log-observer.ts"
import { observeSending } from "../observing/observe-event.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { recordEnd } from "../steering.ts"
import { StepTimeoutError } from "../step-timeout.ts"

type Summarize = Extract<CompactionStep, { type: "summarize" }>

/**
 * Requests a summary of the first messages from a model, and logs that it replaces them. Resolves to `failed` if
 * there is no summary. The failure is logged with its cost. Resolves to `ended` if the call could exceed the run's
 * budget.
 */
export async function summarize(
  context: ModelRunContext,
  step: Summarize,
  tokensBefore: number,
): Promise<"compacted" | "failed" | "ended"> {
  const { conversation, ids, hold, signal } = context
  const { choice, request } = step
  const { run } = conversation
  const spent = { ...(run?.spent ?? noSpending), charged: run?.charged ?? 0 }
  // A summary must not be cut off.
  const decision = await checkBudget(context, choice, request, spent, request.maxTokens)
  if (decision.type === "end") {
    await recordEnd(context, decision.events)
    return "ended"
  }
  const compactionId = ids.next("cmp")
  const inputTokens = await estimateInput(request)
  const input = { ...noUsage, inputTokens }
  const { charged: inputCost } = computeCharge(context, choice, { usage: input, charged: input })
  const { model } = choice
  await record(context, [{ type: "compactionStarted", compactionId, model, inputTokens, inputCost }])
  const fail = (code: string, usage: CountedUsage) =>
    record(context, [createFailure(context, step, { compactionId, code, usage })])
  await hold.untilCertain(signal)
  const streamed = createStreamed()
  observeSending(context, choice, { stepId: compactionId, attempt: 1, purpose: "summary" }, request)
  const hidden = { ...context, journal: dropDeltas(context.journal) }
  const last = await streamResponse(hidden, stepOf(compactionId), choice, request, streamed)
  if (last === null) {
    // If the process merely stops, the next process counts the cost of this call.
    const { reason } = signal
    if (reason instanceof RunCancelledError || reason instanceof StepTimeoutError) {
      await fail(reason.code, await countFailedCall(context, request, streamed))
    }
    throw reason
  }
  if (last.type === "error") {
    const { code, detail = last.message, retryable, retryAfterMs } = last
    context.logger.warn(
      { ...selectRunIds(context.sessionId, run), model, code, detail },
      "A summary of older messages could not be created. The run continues.",
    )
    await fail(
      code,
      mayHaveCost(last, streamed) ? await countFailedCall(context, request, streamed) : freeOfCharge,
    )
    if (retryable)
      await sleep(Math.min(retryAfterMs ?? computeBackoff(0, modelBackoff), longestPauseMs), signal)
    return "failed"
  }
  const usage = await countUsage(last.usage ?? streamed.usage, {
    ...collectEvidence(context, request),
    outputBytes: countOutputBytes(last.content),
  })
  const summary = findSummary(context, step, last)
  if (summary === null) {
    await fail("no_summary", usage)
    return "failed"
  }
  await recordSummary(context, step, { compactionId, summary, usage, tokensBefore })
  return "compacted"
}

const longestPauseMs = 10_000

interface Summary {
  readonly compactionId: string
  readonly summary: ConversationSummary
  readonly usage: CountedUsage
  readonly tokensBefore: number
}

async function recordSummary(
  context: ModelRunContext,
  { count, choice }: Summarize,
  { compactionId, summary, usage, tokensBefore }: Summary,
): Promise<void> {
  const { conversation, runtime, signal } = context
  const { messages, sizes, history } = conversation
  const notes = await runtime.compactionNotes(messages.slice(0, count), signal)
  signal.throwIfAborted()
  const kept = history.origins[count]
  if (kept === undefined) throw new Error("A compaction keeps at least one message.")
  const dropped = messages.slice(0, count)
  const fingerprint = await extendFingerprint(conversation.formerMessages, dropped)
  const formerTurns = (await extendTurns(conversation.formerTurns, dropped)).slice(-maxFormerTurns)
  const spending = computeCharge(context, choice, usage)
  const tasks = conversation.tasks.kept()
  const former = conversation.shownMessages.slice(0, conversation.shownMessages.length - messages.length)
  await sizes.measure([...former, ...dropped])
  const removed = [...former, ...dropped].reduce((sum, message) => sum + sizes.measureMessage(message), 0)
  const event = {
    type: "historyCompacted",
    compactionId,
    ...joinSummary(summary),
    notes,
    keptFromSeq: kept.seq,
    keptFromIndex: kept.index,
    fingerprint,
    formerTurns,
    tokensBefore,
    model: choice.model,
    ...spending,
    estimated: usage.estimated,
    spent: addSpending(conversation.spent, spending),
    ...(tasks.length > 0 && { tasks }),
  } as const
  const shown = createSummaryMessage({ ...event, tokensAfter: 0 })
  await sizes.measure([shown])
  const added = sizes.measureMessage(shown)
  const tokensAfter = Math.max(0, tokensBefore - removed) + added
  await record(context, [{ ...event, tokensAfter }])
}

function createFailure(
  context: ModelRunContext,
  { choice }: Summarize,
  { compactionId, code, usage }: { compactionId: string; code: string; usage: CountedUsage },
): CompactionFailed {
  const { estimated, ...counts } = usage
  const spending = computeCharge(context, choice, counts)
  return { type: "compactionFailed", compactionId, code, model: choice.model, ...spending, estimated }
}

function findSummary(
  { logger, sessionId, conversation }: ModelRunContext,
  { summaryOf }: Summarize,
  { content }: ModelEnd,
): ConversationSummary | null {
  try {
    return summaryOf(content as readonly ModelPart[])
  } catch (error) {
    const ids = selectRunIds(sessionId, conversation.run)
    logger.error({ ...ids, error: toError(error) }, "A summary could not be read. The run continues.")
    return null
  }
}

/** Returns the step of the model's deltas, which no subscriber sees. */
function stepOf(compactionId: string): StepStarted {
  return { type: "stepStarted", stepId: compactionId, messageId: compactionId, step: 0 }
}

/** Returns a journal that does not publish streamed text. */
function dropDeltas(journal: Journal): Journal {
  return {
    append: (events, effects) => journal.append(events, effects),
    emit: () => 0,
    show: () => undefined,
  }
}
