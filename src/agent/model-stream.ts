import type { ModelChoice } from "../core/agent-runtime.ts"
import type { StepStarted } from "../core/entries.ts"
import { nestsTooDeep } from "../core/json.ts"
import type { ModelPart } from "../core/messages.ts"
import type { ModelEnd, ModelFailure, ModelRequest } from "../core/ports/provider.ts"
import type { Usage } from "../core/usage.ts"
import type { ModelRunContext } from "./run-context.ts"
import { untilAborted } from "./until-aborted.ts"
import { watchdog } from "./watchdog.ts"

/** What came of one model call so far, whether it comes to an end or not. */
export interface Streamed {
  text: string
  thinking: string
  /** Sequence number of the first delta. */
  streamedFrom: number | null
  /** Bytes of the answer that were not shown: calls' arguments. */
  hiddenBytes: number
  /** Whether the service began to answer at all. */
  begun: boolean
  /** What the service counted before its end. */
  usage: Usage | null
}

export function nothingStreamed(): Streamed {
  return { text: "", thinking: "", streamedFrom: null, hiddenBytes: 0, begun: false, usage: null }
}

/**
 * Streams one answer to the viewers. Resolves to the provider's last event, or to the failure that stands for it when
 * there is none, when nothing came for too long, or too much, or without an end; to null when the attempt is aborted, at once.
 */
export async function streamAnswer(
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
  const patience = { silentMs: runtime.stallTimeoutMs, totalMs: longestCallMs(request) }
  const watched = watchdog(patience, (limit) => call.abort(limit === "silentMs" ? stalled : endless))
  const longest = longestAnswer(request)

  const consume = async (): Promise<ModelEnd | ModelFailure> => {
    for await (const event of provider.stream(request, { signal: call.signal })) {
      // Whatever an aborted call still yields is not the run's any more.
      if (call.signal.aborted) return noLastEvent
      watched.seen()
      switch (event.type) {
        case "end":
          return { ...event, content: event.content.map(withoutTooDeepInput) }
        case "error":
          return event
        case "progress":
          streamed.begun = true
          streamed.usage = event.usage ?? streamed.usage
          streamed.hiddenBytes = event.hiddenBytes ?? streamed.hiddenBytes
          if (lengthOf(streamed) > longest) return answerTooLong
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
      if (lengthOf(streamed) > longest) return answerTooLong
      const { type, part, text } = event
      const seq = journal.emit({ type, stepId, messageId, part, text })
      streamed.streamedFrom ??= seq
    }
    return noLastEvent
  }
  try {
    return await untilAborted(call.signal, consume())
  } catch (thrown) {
    if (signal.aborted) return null
    if (thrown === stalled) return stalled
    if (thrown === endless) return endless
    throw thrown
  } finally {
    watched.stop()
    signal.removeEventListener("abort", stop)
  }
}

/** Arguments that nest without end cannot even be logged; the model is told as of any that cannot be read. */
function withoutTooDeepInput(part: ModelPart): ModelPart {
  if (part.type !== "toolCall" || !nestsTooDeep(part.input)) return part
  return { ...part, input: {}, malformedInput: "" }
}

function lengthOf({ text, thinking, hiddenBytes }: Streamed): number {
  return text.length + thinking.length + hiddenBytes
}

/** In characters, of which a token has a few: only a service that ignores its cap gets there. */
function longestAnswer({ maxTokens }: ModelRequest): number {
  return maxTokens * 12 + 4_096
}

/** Half an hour to think, and a quarter of a second for each token: only a service that never ends gets there. */
function longestCallMs({ maxTokens }: ModelRequest): number {
  return 30 * 60 * 1_000 + maxTokens * 250
}

const noLastEvent: ModelFailure = {
  type: "error",
  code: "upstream_cut",
  message: "The model's answer ended before it was complete.",
  retryable: true,
}

const stalled: ModelFailure = {
  type: "error",
  code: "upstream_stalled",
  message: "The model service sent nothing for too long.",
  retryable: true,
}

/** Pings for ever, or a word a minute. Not tried again: it took long enough. */
const endless: ModelFailure = {
  type: "error",
  code: "upstream_timeout",
  message: "The model service did not end its answer in time.",
  retryable: false,
}

const answerTooLong: ModelFailure = {
  type: "error",
  code: "answer_too_long",
  message: "The model service sent far more than it was asked for.",
  retryable: false,
}
