import type { Logger } from "../../core/ports/logger.ts"
import type { Observer, RunFacts } from "../../core/ports/observer.ts"
import type { RunHooks } from "../../core/runs/run-hooks.ts"
import { createUsageReport, measureResult } from "../../kernel/agent/reports.ts"
import { warnOfIgnoredBlocks } from "./ignored-result.ts"

/**
 * Returns the observer that calls the hooks of one request. Null if there are none. It does not wait for them. A hook
 * that fails is logged, and called again for the next fact.
 */
export function createHookObserver(hooks: RunHooks, logger: Logger): Partial<Observer> | null {
  const { onEvent, onUsage, onRunUsage, onToolTiming } = hooks
  if (Object.keys(hooks).length === 0) return null
  const onToolResult = hooks.onToolResult && warnOfIgnoredBlocks(hooks.onToolResult, logger)
  const call = ({ sessionId, runId }: RunFacts, hook: keyof RunHooks, invoke: () => unknown) => {
    const report = (error: unknown) =>
      logger.error({ error, hook, sessionId, runId }, "A hook failed. The run continues.")
    try {
      Promise.resolve(invoke()).catch(report)
    } catch (error) {
      report(error)
    }
  }
  return {
    onEventStored(stored) {
      const { entry, sessionId, id } = stored
      if (onEvent) call(stored, "onEvent", () => onEvent(entry, { sessionId, id }))
      const usage = onUsage && createUsageReport(entry, sessionId)
      if (usage) call(stored, "onUsage", () => onUsage(usage))
    },
    onRunEnded(end) {
      const { id, sessionId, runId, outcome, turns, usage, cost } = end
      if (onRunUsage === undefined) return
      call(end, "onRunUsage", () => onRunUsage({ id, sessionId, runId, outcome, turns, usage, cost }))
    },
    onToolCallEnded(end) {
      const { id, sessionId, runId, toolCallId, tool: toolName, input, server, durationMs, result } = end
      // An interrupted call has neither.
      if (result === null || durationMs === null) return
      const ids = { id, sessionId, runId, toolCallId, toolName }
      if (onToolResult) call(end, "onToolResult", () => onToolResult({ ...ids, input, result }))
      if (onToolTiming) {
        const timing = { ...ids, server, durationMs, ...measureResult(result) }
        call(end, "onToolTiming", () => onToolTiming(timing))
      }
    },
  }
}
