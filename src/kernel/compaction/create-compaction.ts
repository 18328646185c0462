import { joinTexts, type Message } from "../../core/history/messages.ts"
import type {
  CompactableHistory,
  CompactionStep,
  ConversationSummary,
  HistoryCompaction,
} from "../../core/ports/model/compaction.ts"
import type { ModelChoice } from "../../core/ports/model/provider.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import { chooseCut, choosePiece } from "./choose-cut.ts"
import { type CompactionOptions, type ResolvedCompactionSettings, resolveCompaction } from "./options.ts"
import { createSummaryRequest } from "./summary-request.ts"
import { shorten } from "./transcript.ts"

/** Minimum share of the limit for messages, beside the prompt and the tools. */
const leastRoom = 0.2
/** Share of the messages' room that the last messages keep. */
const keptShare = 0.25
/** Maximum share of a model's window for a request for a summary. */
const pieceShare = 0.6
/** Maximum share of the messages' room for a summary. */
const summaryShare = 0.15
/** A summary that replaces less than this share of the request is not worth a call. */
const leastShare = 0.1
/** Maximum number of failed requests for a summary in one run before it continues without a summary. */
const mostFailures = 3
/** The estimate of a request may be too high by this factor. */
const mostOverestimate = 1.5
/** A low estimate of the characters of a token. */
const charactersPerToken = 3
/** Tokens of the smallest window of any listed model. */
const smallestWindow = 2_000
/** Tokens of the request for a summary in addition to the messages. */
const promptTokens = 700

/** Creates the compaction for the options. */
export function createCompaction({
  compaction,
  contextWindow,
  compactionModel,
}: CompactionOptions): HistoryCompaction {
  const settings = resolveCompaction(compaction)
  const findWindow = (history: CompactableHistory) => contextWindow ?? history.contextWindowOf(history.choice)
  // Searching the list of models costs more than the rest of a short turn.
  const leastLimit =
    contextWindow === undefined ? Math.min(smallestWindow, settings.trigger ?? smallestWindow) : 0
  return {
    async next(history) {
      if (!history.isRefused && history.requestTokens < leastLimit * settings.share) return null
      const window = findWindow(history)
      const limit = computeRequestLimit(history, window, settings)
      if (!history.isRefused && history.requestTokens <= limit) return null
      // The prompt and the tools remain, however much of the request they are.
      const room = Math.max(limit * leastRoom, limit - history.fixedTokens)
      const cut = chooseCut(history, room * keptShare)
      if (isWorthwhile(history, cut) && history.failures < mostFailures) {
        const choice = chooseModel(history, compactionModel)
        const ownWindow = choice === history.choice ? window : history.contextWindowOf(choice)
        return summarizeStep(history, { settings, choice, cut, room, window: ownWindow })
      }
      const maxBytes = chooseNextLength(history.messages)
      if (maxBytes !== null) return { type: "shorten", maxBytes }
      const surelyTooLong = window !== null && history.requestTokens > window * mostOverestimate
      return surelyTooLong ? { type: "refuse" } : null
    },
  }
}

function isWorthwhile({ messages, tokensOf, requestTokens }: CompactableHistory, cut: number): boolean {
  const tokens = messages.slice(0, cut).reduce((sum, message) => sum + tokensOf(message), 0)
  return cut > 0 && tokens >= requestTokens * leastShare
}

function chooseModel(
  { choice }: CompactableHistory,
  compactionModel: CompactionOptions["compactionModel"],
): ModelChoice {
  if (compactionModel === undefined) return choice
  if (typeof compactionModel === "string") return { provider: choice.provider, model: compactionModel }
  const { provider, model = provider.defaultModel } = compactionModel
  return { provider, model }
}

interface Plan {
  readonly settings: ResolvedCompactionSettings
  readonly choice: ModelChoice
  readonly cut: number
  /** Maximum tokens of the messages. */
  readonly room: number
  /** Window of the model that writes the summary. Null if it is not known. */
  readonly window: number | null
}

/** Returns the step. After a failure the request may have been too long, so the next one has half of its length. */
async function summarizeStep(
  history: CompactableHistory,
  { settings, choice, cut, room, window }: Plan,
): Promise<CompactionStep> {
  const summaryTokens = Math.max(500, Math.floor(room * summaryShare))
  const formerTokens = Math.ceil((history.summary?.text.length ?? 0) / charactersPerToken)
  const requestTokens = (window === null ? room : window * pieceShare) / 2 ** history.failures
  const pieceTokens = Math.max(500, requestTokens - formerTokens - promptTokens)
  const count = choosePiece(history, cut, pieceTokens)
  const dropped = history.messages.slice(0, count)
  const kept = history.messages.slice(count)
  const former = history.summary
  const summaryCharacters = summaryTokens * charactersPerToken
  const request = await createSummaryRequest({
    model: choice.model,
    former: former?.text ?? null,
    messages: dropped,
    instructions: settings.instructions,
    // Tokens of thinking count as well.
    maxTokens: Math.min(history.maxTokens, 4 * summaryTokens),
    maxCharacters: Math.floor(pieceTokens * charactersPerToken),
  })
  return {
    type: "summarize",
    count,
    choice,
    request,
    summaryOf(content) {
      const text = joinTexts(content).trim()
      if (text === "") return null
      const latestMessage = findLatestMessage({ dropped, kept, former }, summaryCharacters)
      return { text: shorten(text, summaryCharacters), latestMessage }
    },
  }
}

interface Replaced {
  /** The messages that the summary replaces. */
  readonly dropped: readonly Message[]
  /** The messages after the summary. */
  readonly kept: readonly Message[]
  /** The previous summary, which the new one replaces as well. */
  readonly former: ConversationSummary | null
}

/**
 * Returns the user's latest message if a summary replaces it, so that the assistant knows its current task, whatever
 * the summary leaves out. Null if the messages after the summary have one.
 */
function findLatestMessage({ dropped, kept, former }: Replaced, maxCharacters: number): string | null {
  if (kept.some(({ role }) => role === "user")) return null
  const latest = dropped.findLast((message) => message.role === "user")
  const text = latest === undefined ? (former?.latestMessage ?? "") : joinTexts(latest.content)
  return text === "" ? null : shorten(text, maxCharacters)
}

/** Share of a request that remains after a provider refused it as too long. */
const shareAfterRefusal = 0.5

/** Returns the maximum tokens of the request. */
function computeRequestLimit(
  { requestTokens, maxTokens, isRefused }: CompactableHistory,
  window: number | null,
  { share, trigger = Number.POSITIVE_INFINITY }: ResolvedCompactionSettings,
): number {
  const afterRefusal = isRefused ? requestTokens * shareAfterRefusal : Number.POSITIVE_INFINITY
  if (window === null) return Math.min(afterRefusal, trigger)
  // The response must fit as well. A limit of more than half the window is not expected to be reached.
  const besideResponse = Math.max(window / 2, window - maxTokens)
  return Math.min(share * window, trigger, besideResponse, afterRefusal)
}

/** Maximum bytes of each result. They are tried in order until the request fits. */
const ladder = [20_000, 4_000, 1_000, 200]
/** Bytes by which the note about the truncation may lengthen a result. */
const noteBytes = 200

/** Returns the next maximum bytes of tool results. Null if it would shorten none of them. */
function chooseNextLength(messages: readonly Message[]): number | null {
  const longest = Math.max(0, ...messages.flatMap(listLengths))
  return ladder.find((bytes) => bytes + noteBytes < longest) ?? null
}

function listLengths(message: Message): number[] {
  return message.role === "tool" ? message.results.map(({ result }) => computeLength(result)) : []
}

function computeLength(result: ToolResult): number {
  switch (result.type) {
    case "json":
      return JSON.stringify(result.value).length
    case "content":
      return result.content.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0)
    case "error":
      return result.message.length
    default:
      return result satisfies never
  }
}
