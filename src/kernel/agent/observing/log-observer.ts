import type { JsonObject } from "../../../core/json/json.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type {
  EndedAttempt,
  EndedRun,
  EndedToolCall,
  Observer,
  RunFacts,
} from "../../../core/ports/observer.ts"
import { readTraceId } from "../../../core/runs/trace-context.ts"
import type { WaitKind } from "../../../core/wait.ts"
import type { RunState } from "../run-state.ts"

const openedMessages: Readonly<Record<WaitKind, string>> = {
  approval: "A tool call waits for approval.",
  clientTool: "A tool call waits for the client's result.",
  elicitation: "A tool call waits for the user's answer.",
  child: "A tool call waits for another session.",
  timer: "A tool call sleeps.",
}

const resolvedMessages: Readonly<Record<WaitKind, string>> = {
  approval: "An approval was resolved.",
  clientTool: "The wait for a client's result ended.",
  elicitation: "A question to the user was resolved.",
  child: "The wait for another session ended.",
  timer: "The sleep of a tool call ended.",
}

/**
 * Logs the facts that an operator needs: one line for each end of a run, for each finished or interrupted tool call,
 * for each question to a person, and for each answer. The loop logs failed model calls with the provider's message.
 */
export function createLogObserver(logger: Logger): Partial<Observer> {
  return {
    onRunEnded: (end) => logRunEnd(end, logger),
    onAttemptEnded: (end) => logModelCall(end, logger),
    onToolCallEnded: (end) => logToolCall(end, logger),
    onWaitOpened(wait) {
      const { toolCallId, tool, kind, expiresAt } = wait
      const fields = { ...selectIds(wait), toolCallId, tool, kind, ...formatExpiry(expiresAt) }
      logger.info(fields, openedMessages[kind])
    },
    onWaitResolved(wait) {
      const { toolCallId, kind, answer, via } = wait
      const approved = kind === "approval" ? { approved: answer === "approved" } : {}
      const action = kind === "elicitation" ? { action: answer } : {}
      const fields = { ...selectIds(wait), toolCallId, kind, ...approved, ...action, via }
      logger.info(fields, resolvedMessages[kind])
    },
  }
}

function logRunEnd(end: EndedRun, logger: Logger): void {
  const { outcome, reason, error, durationMs, turns, usage, cost } = end
  const totals = { durationMs, turns, usage, cost }
  if (error === null) {
    const fields = { ...selectIds(end), outcome, ...(reason !== null && { reason }), ...totals }
    logger.info(fields, "A run ended.")
  } else {
    const { code, message: problem } = error
    // This is not an error of the gateway. Those are logged where they happen.
    logger.warn({ ...selectIds(end), outcome, code, problem, ...totals }, "A run failed.")
  }
}

function logModelCall(end: EndedAttempt, logger: Logger): void {
  const { purpose, code, model, stopReason, durationMs, usage, cost } = end
  if (purpose === "summary" || code !== null) return
  const duration = durationMs === null ? {} : { durationMs: Math.round(durationMs) }
  logger.debug({ ...selectIds(end), model, stopReason, ...duration, usage, cost }, "A model call ended.")
}

function logToolCall(end: EndedToolCall, logger: Logger): void {
  const { toolCallId, tool, server, durationMs, result, outcome, interruption } = end
  const ids = { ...selectIds(end), toolCallId, tool }
  if (interruption !== null) {
    logger.warn({ ...ids, ...interruption }, "A tool call was interrupted. It has no result.")
    return
  }
  const fields = { ...ids, ...(server !== null && { server }), durationMs }
  if (result?.type === "error") {
    const { code, subCode, message: problem } = result
    const codes = { code, ...(subCode !== undefined && { subCode }) }
    logger.warn({ ...fields, ...codes, problem }, "A tool call failed. The model receives the error.")
  } else if (outcome === "failed") {
    logger.warn(fields, "A tool call completed with a result that reports a failure. The model receives it.")
  } else logger.info(fields, "A tool call completed.")
}

/** Returns the fields that identify a run in the log. */
export function selectRunIds(sessionId: string, run: RunState | null): JsonObject {
  return { sessionId, ...(run !== null && { runId: run.runId }), ...selectTrace(run?.started.traceparent) }
}

function selectIds({ sessionId, runId, traceparent }: RunFacts): JsonObject {
  return { sessionId, runId, ...selectTrace(traceparent) }
}

function selectTrace(traceparent: string | null | undefined): JsonObject {
  return traceparent == null ? {} : { traceId: readTraceId(traceparent) }
}

function formatExpiry(expiresAt: number): JsonObject {
  return { expiresAt: new Date(expiresAt).toISOString() }
}
