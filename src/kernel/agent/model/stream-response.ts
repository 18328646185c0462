import type { ModelPart } from "../../../core/history/messages.ts"
import { nestsTooDeep } from "../../../core/json/json.ts"
import { OpenedParts } from "../../../core/log/deltas.ts"
import type { StepStarted } from "../../../core/log/entries.ts"
import type {
  ModelChoice,
  ModelEnd,
  ModelFailure,
  ModelInputDelta,
  ModelRequest,
  Provider,
} from "../../../core/ports/model/provider.ts"
import { rejectOnAbort } from "../../../core/time/reject-on-abort.ts"
import type { Usage } from "../../../core/usage.ts"
import type { ModelRuntime } from "../agent-runtime.ts"
import { selectTraceparent } from "../observing/observe-event.ts"
import type { ModelRunContext } from "../run-context.ts"
import { type Patience, startWatchdog } from "./watchdog.ts"

/** The part of a model's response that has arrived so far, complete or not. */
export interface Streamed {
  text: string
  thinking: string
  /** Sequence number of the first delta. Null before it. */
  streamedFrom: number | null
  /** Bytes of the response that are not text: the arguments of calls. */
  hiddenBytes: number
  /** Characters of the arguments that were streamed. */
  inputCharacters: number
  /** Ids of the calls whose arguments were streamed, by their index in the content. */
  readonly callIds: Map<number, string>
  readonly opened: OpenedParts
  /** If true, the provider has started to respond. */
  begun: boolean
  /** If true, a part of the response has arrived. */
  hasToken: boolean
  /** The newest usage that the provider reported before its final one. */
  usage: Usage | null
}

export function createStreamed(): Streamed {
  return {
    text: "",
    thinking: "",
    streamedFrom: null,
    hiddenBytes: 0,
    inputCharacters: 0,
    callIds: new Map(),
    opened: new OpenedParts(),
    begun: false,
    hasToken: false,
    usage: null,
  }
}

/**
 * Streams one response to the subscribers. Resolves to the provider's last event. Resolves to a failure if the
 * provider sends no last event, makes no progress for too long, or sends too much. Resolves to null at once if the
 * call is aborted.
 */
export async function streamResponse(
  context: ModelRunContext,
  { stepId, messageId }: StepStarted,
  { provider }: ModelChoice,
  request: ModelRequest,
  streamed: Streamed,
): Promise<ModelEnd | ModelFailure | null> {
  const { runtime, journal, signal } = context
  const call = new AbortController()
  const stop = () => call.abort(signal.reason)
  signal.addEventListener("abort", stop, { once: true })
  const firstMs = computeFirstTokenTimeout(runtime, provider)
  const totalMs = computeMaxCallMs(request) + Math.max(0, firstMs - defaultFirstTokenTimeoutMs)
  const patience = { firstMs, silentMs: runtime.stallTimeoutSeconds * 1_000, totalMs }
  const watched = startWatchdog(patience, (limit) => call.abort(failuresByLimit[limit]))
  let idleEvents = 0
  const reportProgress = () => {
    idleEvents = 0
    watched.progressed()
  }
  const longest = computeMaxCharacters(request)
  const traceparent = selectTraceparent(context, stepId)
  const sent = traceparent === null ? request : { ...request, traceparent }

  const consume = async (): Promise<ModelEnd | ModelFailure> => {
    for await (const event of provider.stream(sent, {
      signal: call.signal,
      record: context.attempts.record,
    })) {
      // Events of an aborted call are ignored.
      if (call.signal.aborted) return noLastEvent
      if (++idleEvents > mostIdleEvents) return stalled
      switch (event.type) {
        case "end":
          if (event.content.length > mostParts) return answerTooLong
          return { ...event, content: event.content.map(removeTooDeepInput) }
        case "error":
          return event
        case "progress":
          streamed.begun = true
          if (event.advanced || (event.hiddenBytes ?? 0) > streamed.hiddenBytes) reportProgress()
          streamed.usage = event.usage ?? streamed.usage
          streamed.hiddenBytes = event.hiddenBytes ?? streamed.hiddenBytes
          if (computeLength(streamed) > longest) return answerTooLong
          continue
        case "toolInputDelta":
          streamed.begun = true
          if (event.text === "") continue
          reportProgress()
          if (!streamed.hasToken) observeFirstToken(context, streamed)
          streamed.inputCharacters += event.text.length
          if (computeLength(streamed) > longest || event.part >= mostParts) return answerTooLong
          showInput(context, stepId, { event, streamed })
          continue
        case "textDelta":
          streamed.text += event.text
          break
        case "thinkingDelta":
          streamed.thinking += event.text
          break
        default:
          event satisfies never
      }
      streamed.begun = true
      if (event.text === "") continue
      reportProgress()
      if (!streamed.hasToken) observeFirstToken(context, streamed)
      if (computeLength(streamed) > longest) return answerTooLong
      const { type, part, text } = event
      const delta = { type, stepId, messageId, part, text }
      streamed.opened.add(delta)
      const seq = journal.emit(delta)
      streamed.streamedFrom ??= seq
    }
    return noLastEvent
  }
  try {
    return await rejectOnAbort(call.signal, consume())
  } catch (thrown) {
    if (signal.aborted) return null
    const overdue = Object.values(failuresByLimit).find((failure) => failure === thrown)
    if (overdue !== undefined) return overdue
    throw thrown
  } finally {
    context.attempts.stop()
    watched.stop()
    signal.removeEventListener("abort", stop)
  }
}

function observeFirstToken({ observers, attempts }: ModelRunContext, streamed: Streamed): void {
  streamed.hasToken = true
  const first = attempts.noteFirstToken()
  if (first !== null) observers.onFirstToken?.({ ...first.facts, afterMs: first.afterMs })
}

/**
 * Removes arguments that are nested too deeply to be logged. The model receives the same error as for arguments that
 * cannot be parsed.
 */
function removeTooDeepInput(part: ModelPart): ModelPart {
  if (part.type !== "toolCall" || !nestsTooDeep(part.input)) return part
  return { ...part, input: {}, malformedInput: "" }
}

/** Streams a piece of a call's arguments. The later requested call has the same id. */
function showInput(
  { ids, journal }: ModelRunContext,
  stepId: string,
  { event, streamed }: { readonly event: ModelInputDelta; readonly streamed: Streamed },
): void {
  const { part, name: toolName, text } = event
  const toolCallId = streamed.callIds.get(part) ?? ids.next("call")
  streamed.callIds.set(part, toolCallId)
  const delta = { type: "toolInput", stepId, toolCallId, toolName, text } as const
  streamed.opened.add(delta)
  journal.emit(delta)
}

function computeLength({ text, thinking, hiddenBytes, inputCharacters }: Streamed): number {
  return text.length + thinking.length + Math.max(hiddenBytes, inputCharacters)
}

/** Maximum number of parts of one response. A long response with many citations has some hundreds. */
const mostParts = 10_000

/**
 * Returns the maximum characters of a response. A token has a few characters, so only a provider that ignores its
 * token limit exceeds it.
 */
function computeMaxCharacters({ maxTokens }: ModelRequest): number {
  return maxTokens * 12 + 4_096
}

/**
 * Maximum number of consecutive events without progress. A working provider needs more than a day for 10 000 pings.
 */
const mostIdleEvents = 10_000

/** Returns the smaller of the agent's and the provider's limit, if there is one. */
function computeFirstTokenTimeout(
  { firstTokenTimeoutSeconds: ofAgent }: Pick<ModelRuntime, "firstTokenTimeoutSeconds">,
  { firstTokenTimeoutMs: ofProvider }: Provider,
): number {
  if (ofAgent === undefined) return ofProvider ?? defaultFirstTokenTimeoutMs
  return Math.min(ofAgent * 1_000, ofProvider ?? Number.POSITIVE_INFINITY)
}

/** Long, because a model on a CPU evaluates a long prompt for minutes. */
const defaultFirstTokenTimeoutMs = 600_000

/**
 * Returns the maximum milliseconds of a call: half an hour, and a quarter of a second for each token. Only a provider
 * that never ends its response exceeds it.
 */
function computeMaxCallMs({ maxTokens }: ModelRequest): number {
  return 30 * 60 * 1_000 + maxTokens * 250
}

const noLastEvent: ModelFailure = {
  type: "error",
  code: "upstream_cut",
  message: "The model's response ended before it was complete.",
  retryable: true,
}

const stalled: ModelFailure = {
  type: "error",
  code: "upstream_stalled",
  message: "The model's response made no progress for too long.",
  retryable: true,
}

const notStarted: ModelFailure = {
  type: "error",
  code: "upstream_timeout",
  message: "The provider did not start its response in time.",
  retryable: true,
}

/** The provider sends its response endlessly, for example one word a minute. A retry would take as long again. */
const endless: ModelFailure = {
  type: "error",
  code: "upstream_timeout",
  message: "The provider did not end its response in time.",
  retryable: false,
}

const failuresByLimit: Readonly<Record<keyof Patience, ModelFailure>> = {
  firstMs: notStarted,
  silentMs: stalled,
  totalMs: endless,
}

const answerTooLong: ModelFailure = {
  type: "error",
  code: "answer_too_long",
  message: "The provider sent far more than the gateway requested.",
  retryable: false,
}
