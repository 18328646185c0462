import type { CompactableHistory, CompactionStep } from "../../../core/ports/model/compaction.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import type { Conversation } from "../conversation.ts"
import { splitSummary } from "../conversation-notes.ts"
import { findModel } from "../model/model-attempt.ts"
import { createModelRequest } from "../model/model-request.ts"
import { selectRunIds } from "../observing/log-observer.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { summarize } from "./summarize.ts"

/**
 * Maximum number of compaction steps before one request. A long history from a client is summarized in at most this
 * number of pieces.
 */
const mostSteps = 200

/**
 * `tooLong`: the request cannot be shortened enough. `ended`: the budget does not allow a summary, and the run has
 * ended.
 */
export type CompactionOutcome = "unchanged" | "compacted" | "tooLong" | "ended"

/** Shortens the next request if it is too long. If `isRefused` is true, the provider found it too long. */
export async function compactHistory(
  context: ModelRunContext,
  { isRefused }: { readonly isRefused: boolean },
): Promise<CompactionOutcome> {
  if (context.runtime.compaction === null) return "unchanged"
  let outcome: CompactionOutcome = "unchanged"
  for (let steps = 0; steps < mostSteps; steps++) {
    const history = await createHistory(context, isRefused && outcome === "unchanged")
    const step = await planNextStep(context, history)
    if (step === null) return outcome
    switch (step.type) {
      case "refuse":
        return "tooLong"
      case "shorten": {
        const { maxBytes } = step
        await record(context, [
          { type: "toolResultsShortened", maxBytes, tokensBefore: history.requestTokens },
        ])
        outcome = "compacted"
        break
      }
      case "summarize": {
        requireCut(history, step)
        const result = await summarize(context, step, history.requestTokens)
        if (result === "ended") return "ended"
        if (result === "compacted") outcome = "compacted"
        break
      }
      default:
        step satisfies never
    }
  }
  return outcome
}

async function createHistory(context: ModelRunContext, isRefused: boolean): Promise<CompactableHistory> {
  const { conversation, runtime } = context
  const modelIndex = conversation.run?.modelIndex ?? 0
  const request = createModelRequest(context, { modelIndex })
  const { compacted } = conversation.history
  const { fixedTokens, tokens } = await countRequestTokens(conversation, request)
  return {
    choice: findModel(runtime, modelIndex),
    contextWindowOf: runtime.contextWindowOf,
    requestTokens: tokens,
    fixedTokens,
    maxTokens: request.maxTokens,
    isRefused,
    summary: compacted === null ? null : splitSummary(compacted),
    messages: conversation.messages,
    tokensOf: conversation.sizes.measureMessage,
    failures: conversation.run?.failedCompactions ?? 0,
  }
}

async function planNextStep(
  { runtime, signal, logger, sessionId, conversation }: ModelRunContext,
  history: CompactableHistory,
): Promise<CompactionStep | null> {
  const bounds = { name: "compaction", signal, timeoutMs: runtime.callbackTimeoutMs }
  try {
    return await callBounded(
      async (stop) => runtime.compaction?.next(history, { signal: stop }) ?? null,
      bounds,
    )
  } catch (error) {
    signal.throwIfAborted()
    const ids = selectRunIds(sessionId, conversation.run)
    logger.error({ ...ids, error }, "The compaction of a conversation failed. The run continues without it.")
    return null
  }
}

/** Rejects a cut that separates a call from its result. */
function requireCut({ messages }: CompactableHistory, { count }: { readonly count: number }): void {
  const first = messages[count]
  if (count >= 1 && first !== undefined && first.role !== "tool") return
  throw new RangeError(`A compaction cannot replace ${count} of ${messages.length} messages.`)
}

/** The provider's count is used only if it differs from the estimate by less than this factor. */
const mostDeviation = 2

/**
 * Resolves to the estimated tokens of the next request. If a provider has counted the first messages with the prompt
 * and the tools, only later messages are estimated.
 */
async function countRequestTokens(
  { sizes, history, messages, shownMessages }: Conversation,
  request: ModelRequest,
) {
  const fixedTokens = await sizes.measureFixed(request)
  await sizes.measure(shownMessages)
  await sizes.measure(messages)
  const estimated = shownMessages.reduce((sum, message) => sum + sizes.measureMessage(message), fixedTokens)
  const { reported } = history
  if (reported === null) return { fixedTokens, tokens: estimated }
  const since = messages.slice(reported.messages)
  const estimatedTokens = since.reduce((sum, message) => sum + sizes.measureMessage(message), reported.tokens)
  const tokens = Math.min(Math.max(estimatedTokens, estimated / mostDeviation), estimated * mostDeviation)
  return { fixedTokens, tokens: Math.ceil(tokens) }
}
