import { joinTexts, type Message } from "../../core/history/messages.ts"
import type { ConversationSummary } from "../../core/ports/model/compaction.ts"
import { shorten } from "./transcript.ts"

export interface Replaced {
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
export function findLatestMessage({ dropped, kept, former }: Replaced, maxCharacters: number): string | null {
  if (kept.some(({ role }) => role === "user")) return null
  const latest = dropped.findLast((message) => message.role === "user")
  const text = latest === undefined ? (former?.latestMessage ?? "") : joinTexts(latest.content)
  return text === "" ? null : shorten(text, maxCharacters)
}
