import { joinTexts } from "../../../core/history/messages.ts"
import type { EventEntry } from "../../../core/log/entries.ts"
import type { RunResult } from "../sessions.ts"

/** Returns what a run has done up to the last of its events. */
export function summarizeRun(entries: readonly EventEntry[]): Omit<RunResult, "runId" | "outcome"> {
  const texts: string[] = []
  const toolsUsed = new Set<string>()
  for (const { event } of entries) {
    if (event.type === "toolCallRequested") toolsUsed.add(event.name)
    const text = event.type === "messageCompleted" ? joinTexts(event.message.content) : ""
    if (text !== "") texts.push(text)
  }
  return {
    response: texts.at(-1) ?? "",
    transcript: texts.join("\n\n"),
    toolsUsed: [...toolsUsed],
    startedAt: entries[0]?.at ?? 0,
    endedAt: entries.at(-1)?.at ?? 0,
  }
}
