import { RunCancelledError } from "../../../core/errors.ts"
import { imageRefused, listImages } from "../../../core/history/images.ts"
import type { Ids } from "../../../core/ids.ts"
import type { OpenedPart } from "../../../core/log/deltas.ts"
import type { Event, ModelCallFailed, StepStarted } from "../../../core/log/entries.ts"
import { isTerminal } from "../../../core/log/entries.ts"
import type { ModelEnd, ModelFailure, ModelRequest } from "../../../core/ports/model/provider.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { addCost, addSpending, noSpending, type Spending } from "../../../core/usage.ts"
import { compactHistory } from "../compaction/compact-history.ts"
import { type Action, createTooLongEvent } from "../next-action.ts"
import { selectRunIds } from "../observing/log-observer.ts"
import { observeSending } from "../observing/observe-event.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { recordCompletion } from "../steering.ts"
import { StepTimeoutError } from "../step-timeout.ts"
import { type Charged, checkBudget, computeCharge } from "./budget.ts"
import { type CountedUsage, countOutputBytes, countUsage } from "./estimate-tokens.ts"
import {
  collectEvidence,
  countFailedCall,
  createFailedCall,
  createRetryEvent,
  freeOfCharge,
  mayHaveCost,
} from "./failed-call-cost.ts"
import { findModel, type ModelAttempt, planNextAttempt } from "./model-attempt.ts"
import { createModelRequest } from "./model-request.ts"
import { explainRefusedThinking } from "./refused-thinking.ts"
import { createResponseEvents } from "./response-events.ts"
import { createStreamed, type Streamed, streamResponse } from "./stream-response.ts"

/** The code of a provider's refusal of a request that exceeds its context window. */
const tooLongCode = "context_too_long"

type CallAction = Extract<Action, { type: "startStep" | "repeatStep" }>

/**
 * Makes one step's model call, with its retries and fallbacks. Logs the intent, streams the response, and logs it
 * with the calls that it requests. A permanent failure ends the run, and so does a call that could exceed the budget.
 * If the run is canceled, the text streamed so far becomes the response.
 */
export async function callModel(context: ModelRunContext, action: CallAction): Promise<void> {
  let attempt =
    action.type === "startStep" ? await startStep(context, action) : await repeatStep(context, action)
  while (attempt !== null) attempt = await tryModel(context, attempt)
}

async function startStep(
  context: ModelRunContext,
  { step: number }: Extract<CallAction, { type: "startStep" }>,
): Promise<ModelAttempt | null> {
  const step = createStep(context.ids, number)
  const modelIndex = context.conversation.run?.modelIndex ?? 0
  const attempt = { step, number: 1, modelIndex, ...atOnce }
  return announceAttempt(context, attempt, { failed: [], announced: step })
}

/** Creates the event that starts a step. */
export function createStep(ids: Ids, step: number): StepStarted {
  return { type: "stepStarted", stepId: ids.next("step"), messageId: ids.next("msg"), step }
}

/** An attempt that does not follow a failure of the same model. */
const atOnce = { retries: 0, pauseMs: 0 }

async function repeatStep(
  context: ModelRunContext,
  { step, attempt: number }: Extract<CallAction, { type: "repeatStep" }>,
): Promise<ModelAttempt | null> {
  const modelIndex = context.conversation.run?.modelIndex ?? 0
  return announceAttempt(context, { step, number, modelIndex, ...atOnce }, { failed: [], announced: null })
}

/**
 * Announces this attempt and the failure before it, unless that was logged already. Limits the attempt to the output
 * that the budget allows, and ends the run if it allows none.
 */
async function announceAttempt(
  context: ModelRunContext,
  { maxTokens: _, ...attempt }: ModelAttempt,
  { failed, announced }: { readonly failed: readonly ModelCallFailed[]; readonly announced: Event | null },
): Promise<ModelAttempt | null> {
  const run = context.conversation.run
  const spent = failed.reduce(addCharged, { ...readSpending(context), charged: run?.charged ?? 0 })
  const choice = findModel(context.runtime, attempt.modelIndex)
  const request = createModelRequest(context, attempt)
  const decision = await checkBudget(context, choice, request, spent)
  const ending = decision.type === "end" ? decision.events : []
  // If a failed call has shown text, subscribers must learn that it is discarded, even without another attempt.
  const isAnnounced = ending.length === 0 || failed.length > 0
  const events = [...failed, ...(isAnnounced && announced !== null ? [announced] : []), ...ending]
  if (events.length > 0) await recordUncancelled(context, events)
  if (decision.type === "end") return null
  if (decision.maxTokens === request.maxTokens) return attempt
  const { maxTokens } = decision
  const fields = { ...selectRunIds(context.sessionId, run), maxTokens, requested: request.maxTokens }
  context.logger.info(fields, "The budget of the run allows this call fewer output tokens than maxTokens.")
  return { ...attempt, maxTokens }
}

/**
 * Waits until the attempt is due, and resolves to its request and the tools of that request. If the process stops
 * before that, the attempt is logged as not sent, so that the next process does not count it.
 */
async function awaitTurn(
  context: ModelRunContext,
  attempt: ModelAttempt,
): Promise<{ readonly request: ModelRequest; readonly shownTools: readonly Tool[] }> {
  const { signal, runtime, hold, tenant, userId } = context
  try {
    if (attempt.pauseMs > 0) {
      await sleep(attempt.pauseMs, signal)
      signal.throwIfAborted()
    }
    signal.throwIfAborted()
    // The tools are read in the same moment, because calls are bound to the tools of this request.
    const shownTools = runtime.listTools()
    const request = createModelRequest(context, attempt)
    const messages = await runtime.prepareImages(request.messages, { owner: { tenant, userId }, signal })
    await hold.untilCertain(signal)
    return { request: { ...request, messages }, shownTools }
  } catch (reason) {
    if (reason instanceof RunCancelledError) throw reason
    await record(context, [createFailedCall(context, attempt, { code: "not_sent" }, freeOfCharge)])
    throw reason
  }
}

/** Resolves to the next attempt if this one failed. Null if there is none. */
async function tryModel(context: ModelRunContext, attempt: ModelAttempt): Promise<ModelAttempt | null> {
  const { request, shownTools } = await awaitTurn(context, attempt)
  const choice = findModel(context.runtime, attempt.modelIndex)
  const streamed = createStreamed()
  const { stepId } = attempt.step
  observeSending(context, choice, { stepId, attempt: attempt.number, purpose: "response" }, request)
  const ended = await streamResponse(context, attempt.step, choice, request, streamed)
  const last = ended?.type === "error" ? explainRefusedThinking(ended, request) : ended
  if (last === null) {
    await keepCancelled(context, attempt, request, streamed)
    throw context.signal.reason
  }
  if (last.type === "error") {
    const usage = mayHaveCost(last, streamed)
      ? await countFailedCall(context, request, streamed)
      : freeOfCharge
    return recordFailure(context, attempt, last, { usage, opened: streamed.opened.list() })
  }
  if (last.stopReason === "contextFull" && mayCompact(context)) {
    const usage = await countEnd(context, request, { end: last, streamed })
    return recordFailure(context, attempt, contextFull, { usage, opened: streamed.opened.list() })
  }
  await recordAnswer(context, attempt, request, { end: last, streamed, shownTools })
  return null
}

/** Returns true if the step's request may still be shortened, which is done at most once. */
function mayCompact({ runtime, conversation }: ModelRunContext): boolean {
  return runtime.compaction !== null && conversation.run?.compactedInStep === false
}

/** The response ended because the context window was full. */
const contextFull: ModelFailure = {
  type: "error",
  code: tooLongCode,
  message: "The conversation no longer fits the model's context window.",
  retryable: false,
}

function countEnd(
  context: ModelRunContext,
  request: ModelRequest,
  { end, streamed }: Pick<Answered, "end" | "streamed">,
): Promise<CountedUsage> {
  return countUsage(end.usage ?? streamed.usage, {
    ...collectEvidence(context, request),
    outputBytes: countOutputBytes(end.content),
  })
}

interface Answered {
  readonly end: ModelEnd
  readonly streamed: Streamed
  readonly shownTools: readonly Tool[]
}

async function recordAnswer(
  context: ModelRunContext,
  attempt: ModelAttempt,
  request: ModelRequest,
  { end, streamed, shownTools }: Answered,
): Promise<void> {
  const { estimated, ...counted } = await countEnd(context, request, { end, streamed })
  const spending = computeCharge(context, findModel(context.runtime, attempt.modelIndex), counted)
  const { streamedFrom, callIds } = streamed
  const details = { streamedFrom, callIds, spending, estimated, shownTools }
  await recordUncancelled(context, createResponseEvents(context, attempt.step, end, details))
}

/**
 * Logs events that may end the run. If a cancel came first, the run ends as canceled, but all other events are
 * logged, because the call was paid for.
 */
async function recordUncancelled(context: ModelRunContext, events: readonly Event[]): Promise<void> {
  try {
    await recordCompletion(context, events)
  } catch (thrown) {
    if (!(thrown instanceof RunCancelledError)) throw thrown
    const rest = events.filter((event) => !isTerminal(event))
    if (rest.length > 0) await record(context, rest)
    throw thrown
  }
}

/** Makes the conversation leave images out. */
const withoutImages = {
  code: imageRefused,
  message: "The provider refused an image. The conversation continues without it.",
} as const

async function recordFailure(
  context: ModelRunContext,
  attempt: ModelAttempt,
  failure: ModelFailure,
  { usage, opened }: { readonly usage: CountedUsage; readonly opened: readonly OpenedPart[] },
): Promise<ModelAttempt | null> {
  const { code, message, providerMessage } = failure
  const failed = createFailedCall(context, attempt, failure, usage)
  if (code === tooLongCode && mayCompact(context)) {
    logFailure(context, attempt, { failure, next: attempt, isWithoutImages: false })
    await record(context, [failed])
    return retryCompacted(context, attempt, failure, opened)
  }
  const isWithoutImages =
    failure.refusedPart === "image" && listImages(context.conversation.shownMessages).length > 0
  const next = isWithoutImages
    ? { ...attempt, number: attempt.number + 1, pauseMs: 0 }
    : planNextAttempt(attempt, failure, context.runtime)
  logFailure(context, attempt, { failure, next, isWithoutImages })
  if (next === null) {
    const spent = addSpending(readSpending(context), failed)
    const reason = { code, message, ...(providerMessage !== undefined && { providerMessage }) }
    await recordUncancelled(context, [failed, { type: "runFailed", ...reason, ...spent }])
    return null
  }
  const announced = createRetryEvent(next, isWithoutImages ? withoutImages : { code, message }, opened)
  return announceAttempt(context, next, { failed: [failed], announced })
}

/** Retries the step with a shorter request. Ends the run if there is none. */
async function retryCompacted(
  context: ModelRunContext,
  attempt: ModelAttempt,
  { code, message }: ModelFailure,
  opened: readonly OpenedPart[],
): Promise<ModelAttempt | null> {
  const outcome = await compactHistory(context, { isRefused: true })
  if (outcome === "ended") return null
  if (outcome !== "compacted") {
    await recordUncancelled(context, [createTooLongEvent(readSpending(context))])
    return null
  }
  const next = { ...attempt, number: attempt.number + 1, pauseMs: 0 }
  const announced = createRetryEvent(next, { code, message }, opened)
  return announceAttempt(context, next, { failed: [], announced })
}

function logFailure(
  { sessionId, conversation, logger, runtime }: ModelRunContext,
  attempt: ModelAttempt,
  {
    failure,
    next,
    isWithoutImages,
  }: {
    readonly failure: ModelFailure
    readonly next: ModelAttempt | null
    readonly isWithoutImages: boolean
  },
): void {
  const { provider, model } = findModel(runtime, attempt.modelIndex)
  const { code, detail = failure.message } = failure
  const ids = { ...selectRunIds(sessionId, conversation.run), stepId: attempt.step.stepId }
  const fields = { ...ids, attempt: attempt.number, provider: provider.name, model, code, detail }
  if (next === null) logger.warn(fields, "A model call failed. The run ends.")
  else if (isWithoutImages) logger.warn(fields, "A model refused an image. The call is retried without it.")
  else if (next.modelIndex === attempt.modelIndex) {
    logger.warn({ ...fields, retryInMs: next.pauseMs }, "A model call failed. It is retried.")
  } else {
    const { model: fallback } = findModel(runtime, next.modelIndex)
    logger.warn({ ...fields, fallback }, "A model call failed. The next model takes over.")
  }
}

/**
 * Logs a call that was stopped. Keeps the text of a canceled call, because subscribers have seen it, and the model
 * should know that it wrote it. Unfinished thinking is dropped, because it cannot be sent back. If the process merely
 * stops, the next process counts the cost of this call.
 */
async function keepCancelled(
  context: ModelRunContext,
  attempt: ModelAttempt,
  request: ModelRequest,
  streamed: Streamed,
): Promise<void> {
  const { reason } = context.signal
  if (reason instanceof StepTimeoutError) {
    await record(context, [
      createFailedCall(
        context,
        attempt,
        { code: reason.code },
        await countFailedCall(context, request, streamed),
      ),
    ])
    return
  }
  if (!(reason instanceof RunCancelledError)) return
  const usage = await countFailedCall(context, request, streamed)
  if (streamed.text === "") {
    await record(context, [createFailedCall(context, attempt, { code: "cancelled" }, usage)])
    return
  }
  const { stepId, messageId } = attempt.step
  const choice = findModel(context.runtime, attempt.modelIndex)
  await record(context, [
    {
      type: "messageCompleted",
      stepId,
      messageId,
      message: { role: "assistant", content: [{ type: "text", text: streamed.text }] },
      model: choice.model,
      ...computeCharge(context, choice, usage),
      estimated: usage.estimated,
      stopReason: "cancelled",
      streamedFrom: streamed.streamedFrom,
    },
  ])
}

function addCharged(left: Charged, right: Charged): Charged {
  return { ...addSpending(left, right), charged: addCost(left.charged, right.charged) }
}

function readSpending({ conversation }: ModelRunContext): Spending {
  return conversation.run?.spent ?? noSpending
}
