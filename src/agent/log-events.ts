import type { EventEntry } from "../core/entries.ts"
import type { JsonObject } from "../core/json.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { RunState } from "./conversation.ts"

export interface LoggedRun {
  readonly sessionId: string
  /** The run before the event is applied to it; null for the event that starts it. */
  readonly run: RunState | null
  readonly logger: Logger
}

/**
 * Writes the facts that an operator looks for: one line for each end of a run, each finished or interrupted tool call, and
 * each question to a person with its answer. A failed model call has its own line, with the provider's words.
 */
export function logEvent({ event, runId, at }: EventEntry, { sessionId, run, logger }: LoggedRun): void {
  const ids = { sessionId, runId }
  switch (event.type) {
    case "runCompleted": {
      const { disposition, reason, usage, cost } = event
      const fields = { ...ids, outcome: disposition, ...(reason !== null && { reason }) }
      logger.info({ ...fields, ...totals(run, at), usage, cost }, "A run ended.")
      break
    }
    case "runFailed": {
      const { code, message: problem, usage, cost } = event
      const fields = { ...ids, outcome: "failed", code, problem }
      // Not an error of the gateway's: those are logged where they happen.
      logger.warn({ ...fields, ...totals(run, at), usage, cost }, "A run failed.")
      break
    }
    case "toolCallCompleted": {
      const { toolCallId, name: tool, durationMs, server, result } = event
      const fields = { ...ids, toolCallId, tool, ...(server !== null && { server }), durationMs }
      if (result.type !== "error") logger.info(fields, "A tool call completed.")
      else {
        const { code, message: problem } = result
        logger.warn({ ...fields, code, problem }, "A tool call failed. The model receives the error.")
      }
      break
    }
    case "toolCallInterrupted": {
      const { toolCallId, name: tool, reason, outcome } = event
      logger.warn(
        { ...ids, toolCallId, tool, reason, outcome },
        "A tool call was interrupted. It has no result.",
      )
      break
    }
    case "approvalRequested": {
      const { toolCallId, toolName: tool } = event
      logger.info({ ...ids, toolCallId, tool, ...expiry(event.expiresAt) }, "A tool call waits for approval.")
      break
    }
    case "approvalResolved": {
      const { toolCallId, approved, decidedBy } = event
      logger.info(
        { ...ids, toolCallId, approved, via: decidedBy?.via ?? "expiry" },
        "An approval was resolved.",
      )
      break
    }
    case "clientToolOpened": {
      const { toolCallId, name: tool } = event
      logger.info(
        { ...ids, toolCallId, tool, ...expiry(event.expiresAt) },
        "A tool call waits for the client's result.",
      )
      break
    }
    case "elicitationRequested": {
      const { toolCallId, toolName: tool } = event
      logger.info(
        { ...ids, toolCallId, tool, ...expiry(event.expiresAt) },
        "A tool call waits for the user's answer.",
      )
      break
    }
    case "elicitationResolved": {
      const { toolCallId, action, decidedBy } = event
      logger.info(
        { ...ids, toolCallId, action, via: decidedBy?.via ?? "expiry" },
        "A question to the user was resolved.",
      )
      break
    }
  }
}

function totals(run: RunState | null, at: number): JsonObject {
  return run === null ? {} : { durationMs: at - run.startedAt, turns: run.steps }
}

function expiry(expiresAt: number): JsonObject {
  return { expiresAt: new Date(expiresAt).toISOString() }
}
