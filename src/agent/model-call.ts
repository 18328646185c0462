import type { Event, ModelCallFailed } from "../core/entries.ts"
import { isTerminal } from "../core/entries.ts"
import { RunCancelledError } from "../core/errors.ts"
import type { ModelEnd, ModelFailure, ModelRequest } from "../core/ports/provider.ts"
import { addSpending, noSpending, noUsage, type Spending } from "../core/usage.ts"
import { answeredEvents } from "./answered.ts"
import { type Attempt, attemptAfter, modelAt } from "./attempts.ts"
import { backoffMs } from "./backoff.ts"
import { overBudget, priced } from "./budget.ts"
import { outputInstruction } from "./check-output.ts"
import { interruptedByCrash } from "./conversation.ts"
import { delay } from "./delay.ts"
import { nothingStreamed, type Streamed, streamAnswer } from "./model-stream.ts"
import type { Action } from "./next-action.ts"
import { type ModelRunContext, record } from "./run-context.ts"
import { bytesOf, type CountedUsage, countUsage, estimateInput } from "./token-estimate.ts"

type CallAction = Extract<Action, { type: "startStep" | "repeatStep" }>

/**
 * One step's model call, with its retries and fallbacks: logs the intent, streams, and logs the answer with the calls it
 * asks for. A failure that does not pass ends the run, as does a call that could cross the budget. When cancelled, what
 * was streamed so far becomes the answer.
 */
export async function callModel(context: ModelRunContext, action: CallAction): Promise<void> {
  let attempt =
    action.type === "startStep" ? await startStep(context, action) : await repeatStep(context, action)
  while (attempt !== null) attempt = await tryModel(context, attempt)
}

async function startStep(
  context: ModelRunContext,
  { step: number }: Extract<CallAction, { type: "startStep" }>,
): Promise<Attempt | null> {
  const { ids } = context
  const step = {
    type: "stepStarted",
    stepId: ids.next("step"),
    messageId: ids.next("msg"),
    step: number,
  } as const
  const modelIndex = context.conversation.run?.modelIndex ?? 0
  return begin(context, { step, number: 1, modelIndex, retries: 0 }, { failed: [], started: step })
}

/** The process that called the model did not live to log what came of it; its cost is what can be told from its deltas. */
async function repeatStep(
  context: ModelRunContext,
  { step, attempt: number }: Extract<CallAction, { type: "repeatStep" }>,
): Promise<Attempt | null> {
  const modelIndex = context.conversation.run?.modelIndex ?? 0
  const attempt = { step, number, modelIndex, retries: 0 }
  const error = { code: interruptedByCrash, message: "The server stopped while the model answered." }
  const usage = countUsage(null, {
    outputBytes: context.interruptedOutputBytes,
    inputTokens: () => estimateInput(requestOf(context, attempt)),
    checkInput: false,
  })
  const failed = failedCall(context, { ...attempt, number: number - 1 }, error.code, usage)
  return begin(context, attempt, { failed: [failed], started: retried(attempt, error) })
}

/** Logs that this attempt begins, after what failed before it; ends the run if the budget does not allow it. */
async function begin(
  context: ModelRunContext,
  attempt: Attempt,
  { failed, started }: { readonly failed: readonly ModelCallFailed[]; readonly started: Event },
): Promise<Attempt | null> {
  const spent = failed.reduce<Spending>(addSpending, spentSoFar(context))
  const choice = modelAt(context.runtime, attempt.modelIndex)
  const ending = overBudget(context, choice, requestOf(context, attempt), spent)
  // Whoever was shown text of a call that failed is told that it is void, whether another one follows or not.
  const isBegun = ending === null || failed.length > 0
  await record(context, [...failed, ...(isBegun ? [started] : []), ...(ending ?? [])])
  return ending === null ? attempt : null
}

/** Resolves to the attempt that follows, if it failed and there is one. */
async function tryModel(context: ModelRunContext, attempt: Attempt): Promise<Attempt | null> {
  const choice = modelAt(context.runtime, attempt.modelIndex)
  const request = requestOf(context, attempt)
  const streamed = nothingStreamed()
  const last = await streamAnswer(context, attempt.step, choice, request, streamed)
  if (last === null) {
    await keepCancelled(context, attempt, request, streamed)
    throw context.signal.reason
  }
  if (last.type === "error") {
    const usage = mayHaveCost(last, streamed) ? counted(context, request, streamed) : freeOfCharge
    return afterFailure(context, attempt, last, usage)
  }
  await recordAnswer(context, attempt, request, { end: last, streamed })
  return null
}

async function recordAnswer(
  context: ModelRunContext,
  attempt: Attempt,
  request: ModelRequest,
  { end, streamed }: { readonly end: ModelEnd; readonly streamed: Streamed },
): Promise<void> {
  const { usage, estimated } = countUsage(end.usage ?? streamed.usage, {
    ...evidence(context, request),
    outputBytes: bytesOf(end.content),
  })
  const spending = priced(context, modelAt(context.runtime, attempt.modelIndex), usage)
  const { streamedFrom } = streamed
  const events = answeredEvents(context, attempt.step, end, { streamedFrom, spending, estimated })
  try {
    await record(context, events)
  } catch (thrown) {
    // A cancel came first. The run has not ended with the answer, but the answer has been given.
    if (!(thrown instanceof RunCancelledError)) throw thrown
    await record(
      context,
      events.filter((event) => !isTerminal(event)),
    )
    throw thrown
  }
}

async function afterFailure(
  context: ModelRunContext,
  attempt: Attempt,
  failure: ModelFailure,
  usage: CountedUsage,
): Promise<Attempt | null> {
  const { code, message, detail, retryAfterMs } = failure
  const { sessionId, logger, runtime, signal } = context
  const { provider, model } = modelAt(runtime, attempt.modelIndex)
  const { stepId } = attempt.step
  logger.warn(
    { sessionId, stepId, attempt: attempt.number, provider: provider.name, model, code, detail },
    "a model call failed",
  )
  const failed = failedCall(context, attempt, code, usage)
  const next = attemptAfter(attempt, failure, runtime)
  if (next === null) {
    const spent = addSpending(spentSoFar(context), failed)
    await record(context, [failed, { type: "runFailed", code, message, ...spent }])
    return null
  }
  const begun = await begin(context, next, { failed: [failed], started: retried(next, { code, message }) })
  // Another service need not be spared.
  if (begun !== null && next.modelIndex === attempt.modelIndex) {
    await delay(retryAfterMs ?? backoffMs(attempt.retries), signal)
  }
  return begun
}

/**
 * The viewers have seen what was streamed, and the model should know that it said it; thinking without its end cannot be
 * sent back. When the process merely stops, the next one counts what this call cost.
 */
async function keepCancelled(
  context: ModelRunContext,
  attempt: Attempt,
  request: ModelRequest,
  streamed: Streamed,
): Promise<void> {
  if (!(context.signal.reason instanceof RunCancelledError)) return
  const usage = counted(context, request, streamed)
  if (streamed.text === "") {
    await record(context, [failedCall(context, attempt, "cancelled", usage)])
    return
  }
  const { stepId, messageId } = attempt.step
  const choice = modelAt(context.runtime, attempt.modelIndex)
  await record(context, [
    {
      type: "messageCompleted",
      stepId,
      messageId,
      message: { role: "assistant", content: [{ type: "text", text: streamed.text }] },
      model: choice.model,
      ...priced(context, choice, usage.usage),
      estimated: usage.estimated,
      stopReason: "cancelled",
      streamedFrom: streamed.streamedFrom,
    },
  ])
}

function requestOf({ runtime, conversation }: ModelRunContext, { modelIndex }: Attempt): ModelRequest {
  const { systemPrompt, maxTokens } = runtime
  const { model } = modelAt(runtime, modelIndex)
  const outputSchema = conversation.run?.started.outputSchema ?? null
  const tools = runtime.tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema,
  }))
  const common = { model, messages: [...conversation.messages], tools, maxTokens }
  if (outputSchema === null) return { ...common, system: systemPrompt }
  return { ...common, system: [...systemPrompt, { text: outputInstruction(outputSchema) }], outputSchema }
}

function spentSoFar({ conversation }: ModelRunContext): Spending {
  return conversation.run?.spent ?? noSpending
}

/** A service that refuses charges nothing; one that was heard of, or went silent, may have. */
function mayHaveCost({ code }: ModelFailure, { usage, streamedFrom }: Streamed): boolean {
  return usage !== null || streamedFrom !== null || code === "upstream_cut" || code === "upstream_stalled"
}

const freeOfCharge: CountedUsage = { usage: noUsage, estimated: false }

/** Of a call that came to no end. */
function counted(
  context: ModelRunContext,
  request: ModelRequest,
  { text, thinking, usage }: Streamed,
): CountedUsage {
  const outputBytes = Buffer.byteLength(text) + Buffer.byteLength(thinking)
  return countUsage(usage, { ...evidence(context, request), outputBytes })
}

function evidence({ runtime }: ModelRunContext, request: ModelRequest) {
  return { inputTokens: () => estimateInput(request), checkInput: runtime.maxBudgetUsd !== null }
}

function failedCall(
  context: ModelRunContext,
  { step, number, modelIndex }: Attempt,
  code: string,
  { usage, estimated }: CountedUsage,
): ModelCallFailed {
  const choice = modelAt(context.runtime, modelIndex)
  const spending = priced(context, choice, usage)
  const { stepId } = step
  return {
    type: "modelCallFailed",
    stepId,
    attempt: number,
    model: choice.model,
    code,
    ...spending,
    estimated,
  }
}

function retried(
  { step: { stepId }, number, modelIndex }: Attempt,
  error: { readonly code: string; readonly message: string },
): Event {
  return { type: "stepRetried", stepId, attempt: number, error, modelIndex }
}
