import type { Event, MessageCompleted, StepStarted } from "../core/entries.ts"
import { RunCancelledError } from "../core/errors.ts"
import type { AssistantPart, ModelPart } from "../core/messages.ts"
import type { ModelEnd, ModelFailure, ModelRequest, StopReason } from "../core/ports/provider.ts"
import { noUsage } from "../core/usage.ts"
import { backoffMs } from "./backoff.ts"
import { interruptedByCrash } from "./conversation.ts"
import { delay } from "./delay.ts"
import type { Action } from "./next-action.ts"
import { type ModelRunContext, record } from "./run-context.ts"
import { untilAborted } from "./until-aborted.ts"

type CallAction = Extract<Action, { type: "startStep" | "repeatStep" }>

/**
 * One step's model call, with its retries: logs the intent, streams, and logs the answer with the calls it asks for.
 * A failure that does not pass ends the run. When cancelled, what was streamed so far becomes the answer.
 */
export async function callModel(context: ModelRunContext, action: CallAction): Promise<void> {
  const { runtime, signal } = context
  const step = action.type === "startStep" ? await startStep(context, action.step) : action.step
  let attempt = 1
  if (action.type === "repeatStep") {
    attempt = action.attempt
    await retryStep(context, step, attempt, {
      code: interruptedByCrash,
      message: "The server stopped while the model answered.",
    })
  }
  for (let retries = 0; ; retries++, attempt++) {
    const stream: Streamed = { text: "", streamedFrom: null }
    const end = await streamAnswer(context, step, stream)
    if (end?.type === "end") {
      await record(context, answered(context, step, stream, end))
      return
    }
    if (signal.aborted) {
      if (stream.text.length > 0) await keepPartialAnswer(context, step, stream)
      throw signal.reason
    }
    const failure = end ?? noLastEvent
    const { code, message, detail } = failure
    context.logger.warn(
      { sessionId: context.sessionId, stepId: step.stepId, attempt, code, detail },
      "a model call failed",
    )
    if (!canRetry(failure, retries, runtime.maxRetries)) {
      await record(context, [
        { type: "runFailed", code, message, usage: context.conversation.run?.usage ?? noUsage },
      ])
      return
    }
    await retryStep(context, step, attempt + 1, { code, message })
    await delay(failure.retryAfterMs ?? backoffMs(retries), signal)
  }
}

/** A service that asks for a longer wait than that is not worth keeping a person waiting for. */
const longestRetryAfterMs = 60_000

function canRetry(
  { retryable, retryAfterMs = 0 }: ModelFailure,
  retries: number,
  maxRetries: number,
): boolean {
  return retryable && retries < maxRetries && retryAfterMs <= longestRetryAfterMs
}

async function startStep(context: ModelRunContext, number: number): Promise<StepStarted> {
  const step: StepStarted = {
    type: "stepStarted",
    stepId: context.ids.next("step"),
    messageId: context.ids.next("msg"),
    step: number,
  }
  await record(context, [step])
  return step
}

async function retryStep(
  context: ModelRunContext,
  { stepId }: StepStarted,
  attempt: number,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await record(context, [{ type: "stepRetried", stepId, attempt, error }])
}

interface Streamed {
  /** The text so far, should it be all there will be. */
  text: string
  streamedFrom: number | null
}

/** Resolves to the provider's last event; to null when it gave none, or at once when the attempt is aborted. */
async function streamAnswer(
  context: ModelRunContext,
  { stepId, messageId }: StepStarted,
  streamed: Streamed,
): Promise<ModelEnd | ModelFailure | null> {
  const { runtime, journal, signal } = context
  const consume = async () => {
    for await (const event of runtime.provider.stream(requestOf(context), { signal })) {
      // Whatever an aborted call still yields is not the run's any more.
      if (signal.aborted) return null
      if (event.type === "end" || event.type === "error") return event
      if (event.text === "") continue
      if (event.type === "textDelta") streamed.text += event.text
      const { type, part } = event
      const seq = journal.emit({ type, stepId, messageId, part, text: event.text })
      streamed.streamedFrom ??= seq
    }
    return null
  }
  try {
    return await untilAborted(signal, consume())
  } catch (thrown) {
    if (signal.aborted) return null
    throw thrown
  }
}

function requestOf({ runtime, conversation }: ModelRunContext): ModelRequest {
  const { model, systemPrompt: system, maxTokens } = runtime
  const tools = runtime.tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema,
  }))
  return { model, system, messages: [...conversation.messages], tools, maxTokens }
}

function answered(context: ModelRunContext, step: StepStarted, stream: Streamed, end: ModelEnd): Event[] {
  const content = end.content.map((part) => withCallId(part, context))
  const calls = content.filter((part) => part.type === "toolCall")
  const completed: MessageCompleted = {
    type: "messageCompleted",
    stepId: step.stepId,
    messageId: step.messageId,
    message: { role: "assistant", content },
    model: end.model,
    usage: end.usage,
    stopReason: stopReasonOf(end.stopReason, calls.length),
    streamedFrom: stream.streamedFrom,
  }
  const requested = calls.map(({ toolCallId, name, input }, callIndex) => {
    const tool = context.runtime.tools.find((candidate) => candidate.name === name)
    const executionLocation = tool?.executionLocation ?? "backend"
    const call = { toolCallId, name, input, callIndex, executionLocation }
    return { type: "toolCallRequested", stepId: step.stepId, ...call } as const
  })
  return [completed, ...requested]
}

function withCallId(part: ModelPart, { ids }: ModelRunContext): AssistantPart {
  return part.type === "toolCall" ? { ...part, toolCallId: ids.next("call") } : part
}

/** Services disagree on the reason beside calls; whether there are calls is what decides. */
function stopReasonOf(reported: StopReason, calls: number): StopReason {
  if (calls > 0) return "toolCalls"
  return reported === "toolCalls" ? "end" : reported
}

/** The viewers have seen it and the model should know it said it; thinking without its end cannot be sent back. */
async function keepPartialAnswer(
  context: ModelRunContext,
  step: StepStarted,
  stream: Streamed,
): Promise<void> {
  if (!(context.signal.reason instanceof RunCancelledError)) return
  await record(context, [
    {
      type: "messageCompleted",
      stepId: step.stepId,
      messageId: step.messageId,
      message: { role: "assistant", content: [{ type: "text", text: stream.text }] },
      model: context.runtime.model,
      usage: noUsage,
      stopReason: "cancelled",
      streamedFrom: stream.streamedFrom,
    },
  ])
}

const noLastEvent: ModelFailure = {
  type: "error",
  code: "upstream_cut",
  message: "The model's answer ended before it was complete.",
  retryable: true,
}
