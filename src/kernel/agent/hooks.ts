import type { JsonObject } from "../../core/json/json.ts"
import type { Event, EventEntry } from "../../core/log/entries.ts"
import { toEventId } from "../../core/log/event-id.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { RunHooks } from "../../core/runs/run-hooks.ts"
import {
  createMaxTurnsReport,
  createRunUsageReport,
  createToolReport,
  createToolTiming,
  createUsageReport,
} from "./reports.ts"
import type { CallState } from "./tools/call-state.ts"

interface Occasion {
  readonly entry: EventEntry
  readonly sessionId: string
  /** The calls of the entry's step. */
  readonly calls: ReadonlyMap<string, CallState> | null
  /** Number of turns that the run has started. */
  readonly turns: number
  readonly logger: Logger
}

/** Calls the hooks of one request for a durable event. Does not wait for them. Their failures are logged. */
export function notifyHooks(hooks: RunHooks, { entry, sessionId, calls, turns, logger }: Occasion): void {
  const { event, runId, seq } = entry
  const { onEvent, onUsage, onRunUsage, onToolResult, onToolTiming, onMaxTurns } = hooks
  function tell<Report>(
    hook: keyof RunHooks,
    call: ((report: Report) => unknown) | undefined,
    report: () => Report | null,
  ): void {
    // Most runs have no hooks, and need no report.
    const made = call === undefined ? null : report()
    if (call === undefined || made === null) return
    reportFailure(
      () => call(made),
      (error) => logger.error({ error, hook, sessionId, runId }, "A hook failed. The run continues."),
    )
  }
  tell(
    "onEvent",
    onEvent && ((shown: EventEntry) => onEvent(shown, { sessionId, id: toEventId(sessionId, seq) })),
    () => entry,
  )
  tell("onUsage", onUsage, () => createUsageReport(entry, sessionId))
  tell("onRunUsage", onRunUsage, () => createRunUsageReport(entry, sessionId, turns))
  tell("onToolResult", onToolResult, () => createToolReport(entry, sessionId, findInput(event, calls)))
  tell("onToolTiming", onToolTiming, () => createToolTiming(entry, sessionId))
  tell("onMaxTurns", onMaxTurns, () => createMaxTurnsReport(entry, sessionId))
}

function findInput(event: Event, calls: Occasion["calls"]): JsonObject {
  const call = event.type === "toolCallCompleted" ? calls?.get(event.toolCallId) : undefined
  return call?.requested.input ?? {}
}

function reportFailure(invoke: () => unknown, onError: (error: unknown) => void): void {
  try {
    Promise.resolve(invoke()).catch(onError)
  } catch (error) {
    onError(error)
  }
}
