import { joinTexts, type Message } from "../core/history/messages.ts"
import { shorten } from "./transcript.ts"

const heading = "\n\nLatest message of the user, word for word:\n"

/**
 * Appends the user's latest message to a summary that replaces it, so that the assistant knows its current task,
 * whatever the summary leaves out. `former` is the previous summary, which may already contain the message.
 */
export function appendLatestMessage(
  summary: string,
  {
    dropped,
    kept,
    former,
  }: Readonly<Record<"dropped" | "kept", readonly Message[]>> & { former: string | null },
  maxCharacters: number,
): string {
  if (kept.some(({ role }) => role === "user")) return summary
  const latest = dropped.findLast((message) => message.role === "user")
  const text = latest === undefined ? formatFormerMessage(former) : joinTexts(latest.content)
  return text === "" ? summary : `${summary}${heading}${shorten(text, maxCharacters)}`
}

/** Returns a summary without the part that `appendLatestMessage` appended. */
export function removeLatestMessage(summary: string): string {
  return summary.split(heading)[0] ?? summary
}

function formatFormerMessage(former: string | null): string {
  return former?.split(heading).slice(1).join(heading) ?? ""
}
