import type { Event, ModelCallFailed } from "../core/entries.ts"
import { isTerminal } from "../core/entries.ts"
import { RunCancelledError } from "../core/errors.ts"
import type { ModelEnd, ModelFailure, ModelRequest } from "../core/ports/provider.ts"
import { addCost, addSpending, noSpending, noUsage, type Spending } from "../core/usage.ts"
import { answeredEvents } from "./answered.ts"
import { type Attempt, attemptAfter, modelAt } from "./attempts.ts"
import { backoffMs } from "./backoff.ts"
import { type Charged, overBudget, priced } from "./budget.ts"
import { outputInstruction } from "./check-output.ts"
import { interruptedByCrash } from "./conversation.ts"
import { delay } from "./delay.ts"
import { nothingStreamed, type Streamed, streamAnswer } from "./model-stream.ts"
import type { Action } from "./next-action.ts"
import { type ModelRunContext, record } from "./run-context.ts"
import { bytesOf, type CountedUsage, countUsage, estimateInput, plainBytes } from "./token-estimate.ts"

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
    plainInputBytes: null,
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
  const run = context.conversation.run
  const spent = failed.reduce(addCharged, { ...spentSoFar(context), charged: run?.charged ?? 0 })
  const choice = modelAt(context.runtime, attempt.modelIndex)
  const ending = overBudget(context, choice, requestOf(context, attempt), spent)
  // Whoever was shown text of a call that failed is told that it is void, whether another one follows or not.
  const isBegun = ending === null || failed.length > 0
  await recordEnd(context, [...failed, ...(isBegun ? [started] : []), ...(ending ?? [])])
  return ending === null ? attempt : null
}

/** Resolves to the attempt that follows, if it failed and there is one. */
async function tryModel(context: ModelRunContext, attempt: Attempt): Promise<Attempt | null> {
  // What is not sent costs nothing.
  context.signal.throwIfAborted()
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
  const { estimated, ...counted } = countUsage(end.usage ?? streamed.usage, {
    ...evidence(context, request),
    outputBytes: bytesOf(end.content),
  })
  const spending = priced(context, modelAt(context.runtime, attempt.modelIndex), counted)
  const { streamedFrom } = streamed
  await recordEnd(context, answeredEvents(context, attempt.step, end, { streamedFrom, spending, estimated }))
}

/** Logs what may end the run. If a cancel came first the run has not ended so, but all else has been, and was paid for. */
async function recordEnd(context: ModelRunContext, events: readonly Event[]): Promise<void> {
  try {
    await record(context, events)
  } catch (thrown) {
    if (!(thrown instanceof RunCancelledError)) throw thrown
    const rest = events.filter((event) => !isTerminal(event))
    if (rest.length > 0) await record(context, rest)
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
    await recordEnd(context, [failed, { type: "runFailed", code, message, ...spent }])
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
      ...priced(context, choice, usage),
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

function addCharged(left: Charged, right: Charged): Charged {
  return { ...addSpending(left, right), charged: addCost(left.charged, right.charged) }
}

function spentSoFar({ conversation }: ModelRunContext): Spending {
  return conversation.run?.spent ?? noSpending
}

/** Of a service that took the request, and was not heard of in time. */
const silences: readonly string[] = ["upstream_cut", "upstream_stalled", "upstream_timeout"]

/** A service that refuses charges nothing; one that began to answer, or went silent, may have. */
function mayHaveCost({ code }: ModelFailure, { begun }: Streamed): boolean {
  return begun || silences.includes(code)
}

const freeOfCharge: CountedUsage = { usage: noUsage, charged: noUsage, estimated: false }

/** Of a call that came to no end. */
function counted(
  context: ModelRunContext,
  request: ModelRequest,
  { text, thinking, hiddenBytes, usage }: Streamed,
): CountedUsage {
  const outputBytes = Buffer.byteLength(text) + Buffer.byteLength(thinking) + hiddenBytes
  return countUsage(usage, { ...evidence(context, request), outputBytes })
}

function evidence({ runtime }: ModelRunContext, request: ModelRequest) {
  // Only a budget is worth a look at the whole request.
  const plainInputBytes = runtime.maxBudgetUsd === null ? null : () => plainBytes(request)
  return { inputTokens: () => estimateInput(request), plainInputBytes }
}

function failedCall(
  context: ModelRunContext,
  { step, number, modelIndex }: Attempt,
  code: string,
  { estimated, ...counted }: CountedUsage,
): ModelCallFailed {
  const choice = modelAt(context.runtime, modelIndex)
  const spending = priced(context, choice, counted)
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
