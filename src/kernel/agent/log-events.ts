import type { JsonObject } from "../../core/json/json.ts"
import type { EventEntry } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { readTraceId } from "../../core/runs/trace-context.ts"
import type { WaitKind } from "../../core/wait.ts"
import type { RunState } from "./run-state.ts"

export interface LoggedRun {
  readonly sessionId: string
  /** The run before the event is applied. Null for the event that starts it. */
  readonly run: RunState | null
  readonly logger: Logger
}

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
 * for each question to a person, and for each answer. A failed model call has a line with the provider's message.
 */
export function logEvent({ event, runId, at }: EventEntry, { sessionId, run, logger }: LoggedRun): void {
  const ids = { sessionId, runId, ...selectTrace(run) }
  switch (event.type) {
    case "runCompleted": {
      const { disposition, reason, usage, cost } = event
      const fields = { ...ids, outcome: disposition, ...(reason !== null && { reason }) }
      logger.info({ ...fields, ...computeTotals(run, at), usage, cost }, "A run ended.")
      break
    }
    case "runFailed": {
      const { code, message: problem, usage, cost } = event
      const fields = { ...ids, outcome: "failed", code, problem }
      // This is not an error of the gateway. Those are logged where they happen.
      logger.warn({ ...fields, ...computeTotals(run, at), usage, cost }, "A run failed.")
      break
    }
    case "messageCompleted": {
      const { model, usage, cost, stopReason } = event
      const fields = { ...ids, model, stopReason, ...computeStepDuration(run, at), usage, cost }
      logger.debug(fields, "A model call ended.")
      break
    }
    case "toolCallCompleted": {
      const { toolCallId, name: tool, durationMs, server, result } = event
      const fields = { ...ids, toolCallId, tool, ...(server !== null && { server }), durationMs }
      if (result.type === "error") {
        const { code, subCode, message: problem } = result
        const codes = { code, ...(subCode !== undefined && { subCode }) }
        logger.warn({ ...fields, ...codes, problem }, "A tool call failed. The model receives the error.")
      } else if (result.isError === true) {
        logger.warn(
          fields,
          "A tool call completed with a result that reports a failure. The model receives it.",
        )
      } else logger.info(fields, "A tool call completed.")
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
    case "waitOpened": {
      const { toolCallId, toolName: tool, kind, expiresAt } = event
      logger.info({ ...ids, toolCallId, tool, kind, ...formatExpiry(expiresAt) }, openedMessages[kind])
      break
    }
    case "waitResolved": {
      const { toolCallId, kind, decidedBy } = event
      const outcome = kind === "approval" ? { approved: event.resolution.approved } : {}
      const action = kind === "elicitation" ? { action: event.resolution.action } : {}
      const via = decidedBy?.via ?? "expiry"
      logger.info({ ...ids, toolCallId, kind, ...outcome, ...action, via }, resolvedMessages[kind])
      break
    }
  }
}

/** Returns the fields that identify a run in the log. */
export function selectRunIds(sessionId: string, run: RunState | null): JsonObject {
  return { sessionId, ...(run !== null && { runId: run.runId }), ...selectTrace(run) }
}

function selectTrace(run: RunState | null): JsonObject {
  const traceparent = run?.started.traceparent
  return traceparent === undefined ? {} : { traceId: readTraceId(traceparent) }
}

function computeTotals(run: RunState | null, at: number): JsonObject {
  return run === null ? {} : { durationMs: at - run.startedAt, turns: run.steps }
}

/** Returns the time since the step began. It includes earlier model attempts that failed. */
function computeStepDuration(run: RunState | null, at: number): JsonObject {
  return run?.phase.type === "calling" ? { durationMs: at - run.phase.startedAt } : {}
}

function formatExpiry(expiresAt: number): JsonObject {
  return { expiresAt: new Date(expiresAt).toISOString() }
}
