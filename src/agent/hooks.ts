import type { RunHooks } from "../core/agent-runtime.ts"
import type { EventEntry } from "../core/entries.ts"
import { eventId } from "../core/event-id.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { CallState } from "./call-state.ts"
import { maxTurnsReport, toolReport, toolTiming, usageReport } from "./reports.ts"

interface Occasion {
  readonly entry: EventEntry
  readonly sessionId: string
  /** The calls of the step the entry belongs to. */
  readonly calls: ReadonlyMap<string, CallState> | null
  readonly logger: Logger
}

/** Calls the hooks of one request for a durable event. Does not wait for them; their failures are logged. */
export function notifyHooks(hooks: RunHooks, { entry, sessionId, calls, logger }: Occasion): void {
  const { event, runId, seq } = entry
  function tell<Report>(
    hook: keyof RunHooks,
    report: Report | null,
    call: (report: Report) => unknown,
  ): void {
    if (report === null) return
    reportFailure(
      () => call(report),
      (error) => logger.error({ error, hook, sessionId, runId }, "A hook failed. The run continues."),
    )
  }
  const input = event.type === "toolCallCompleted" ? calls?.get(event.toolCallId)?.requested.input : undefined
  tell("onEvent", entry, () => hooks.onEvent?.(entry, { sessionId, id: eventId(sessionId, seq) }))
  tell("onUsage", usageReport(entry, sessionId), (report) => hooks.onUsage?.(report))
  tell("onToolResult", toolReport(entry, sessionId, input ?? {}), (report) => hooks.onToolResult?.(report))
  tell("onToolTiming", toolTiming(entry, sessionId), (timing) => hooks.onToolTiming?.(timing))
  tell("onMaxTurns", maxTurnsReport(entry, sessionId), (report) => hooks.onMaxTurns?.(report))
}

function reportFailure(invoke: () => unknown, onError: (error: unknown) => void): void {
  try {
    Promise.resolve(invoke()).catch(onError)
  } catch (error) {
    onError(error)
  }
}
