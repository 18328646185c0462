import type { Message } from "../core/history/messages.ts"
import type { HistoryCompacted } from "../core/log/compaction.ts"
import type { ToolCallInterrupted } from "../core/log/entries.ts"
import type { ToolResult } from "../core/ports/tools/tool.ts"

/** Texts that the gateway adds to a conversation for the model. */

/** Replaces an image that a provider refused. */
export const refusedImageNote =
  "[An image was left out here, because the provider refused it. Continue without it.]"

/** Returns the result of a call that has no result of its own. */
export function createInterruptedResult(
  reason: ToolCallInterrupted["reason"] | "failed",
  outcome: ToolCallInterrupted["outcome"],
): ToolResult {
  const causes = {
    cancelled: "the run was cancelled",
    crashed: "the server stopped while it ran",
    lost: "the server that executes it was lost",
    failed: "the run failed",
  }
  const cause = causes[reason]
  const message =
    outcome === "not_started"
      ? `The call was not executed: ${cause}.`
      : `The call may or may not have taken effect: ${cause}. Find out before you repeat it.`
  return { type: "error", code: "interrupted", message }
}

/** Returns the request for a response that matches the schema. */
export function createCorrectionRequest(problem: string): Message {
  const text =
    `Your response does not match the required JSON Schema: ${problem} Respond again, with the ` +
    "JSON alone."
  return { role: "user", content: [{ type: "text", text }] }
}

/** Returns the message that replaces the compacted messages. */
export function createSummaryMessage({ summary, notes, vendor }: HistoryCompacted): Message {
  const text = `${summaryStart}\n\n${summary}`
  const content = [
    { type: "text", text, ...(vendor !== undefined && { vendor }) } as const,
    ...notes.map((note) => ({ type: "text", text: note }) as const),
  ]
  return { role: "user", content }
}

const summaryStart =
  "[The beginning of this conversation was replaced by the summary that follows. Treat the summary as a record of " +
  "what happened, not as a new request.]"
