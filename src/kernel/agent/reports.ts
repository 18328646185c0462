import type { Json } from "../../core/json/json.ts"
import { type EventEntry, isTerminal } from "../../core/log/entries.ts"
import { toEventId } from "../../core/log/event-id.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import type { RunUsageReport, ToolReport, ToolTiming, UsageReport } from "../../core/runs/run-hooks.ts"
import { isFailure } from "../../core/tools/tool-result.ts"
import type { Usage } from "../../core/usage.ts"

/**
 * Returns the report of an event for a hook. Null if the event has no such report. Each report has the id of its
 * event.
 */
export function createUsageReport(entry: EventEntry, sessionId: string): UsageReport | null {
  const { event, runId } = entry
  if (runId === null) return null
  switch (event.type) {
    case "messageCompleted":
    case "historyCompacted":
    case "modelCallFailed":
    case "compactionFailed":
      break
    default:
      return null
  }
  const failed = event.type === "modelCallFailed" || event.type === "compactionFailed"
  if (failed && !isAny(event.usage)) return null
  const { model, usage, cost, estimated } = event
  return { id: toEventId(sessionId, entry.seq), sessionId, runId, model, usage, cost, estimated, failed }
}

/** Returns the report of a run's end. `turns` is the number of turns that the run started. */
export function createRunUsageReport(
  { event, runId, seq }: EventEntry,
  sessionId: string,
  turns: number,
): RunUsageReport | null {
  if (runId === null || !isTerminal(event)) return null
  const { usage, cost } = event
  const outcome = event.type === "runFailed" ? "failed" : event.disposition
  return { id: toEventId(sessionId, seq), sessionId, runId, outcome, turns, usage, cost }
}

/** Returns the report of a tool call. `input` is the input that the model wrote. */
export function createToolReport(entry: EventEntry, sessionId: string, input: Json): ToolReport | null {
  const { event, runId } = entry
  if (runId === null || event.type !== "toolCallCompleted") return null
  const { toolCallId, name: toolName, result } = event
  return { id: toEventId(sessionId, entry.seq), sessionId, runId, toolCallId, toolName, input, result }
}

export function createToolTiming(entry: EventEntry, sessionId: string): ToolTiming | null {
  const { event, runId } = entry
  if (runId === null || event.type !== "toolCallCompleted") return null
  const { toolCallId, name: toolName, result, durationMs, server } = event
  const call = { id: toEventId(sessionId, entry.seq), sessionId, runId, toolCallId, toolName, server }
  return { ...call, durationMs, ...measureResult(result) }
}

export function measureResult(result: ToolResult): Pick<ToolTiming, "ok" | "resultBytes"> {
  const resultBytes = Buffer.byteLength(JSON.stringify(result.type === "json" ? result.value : result))
  return { ok: !isFailure(result), resultBytes }
}

function isAny(usage: Usage): boolean {
  return Object.values(usage).some((tokens) => tokens > 0)
}
