import type { EndedAttempt, Observer, RunFacts, SentAttempt } from "../../../core/ports/observer.ts"
import { toDeliveryId } from "../../../core/ports/traces.ts"
import { createMask } from "../../../platform/logging/mask.ts"
import { createContentAttributes, noContent } from "./content.ts"
import { names, toFinishReason, toProviderName, toUsageAttributes } from "./conventions.ts"
import { type OpenSpans, parseSpanContext } from "./spans.ts"

/** Part of a run that this process executes. */
interface Execution {
  /** `traceparent` of the span of the run's first execution, which waits belong to. Null without one. */
  readonly firstSpan: string | null
  /** Calls whose span ended for a wait. If they go on in this execution, another span links to it. */
  readonly paused: Map<string, ReturnType<typeof parseSpanContext>>
}

/**
 * Returns the observer that makes a span of each execution of a run, and below it of each model attempt, tool call,
 * wait and summary. No span stays open over a wait. `redact` is null if spans have no content.
 */
export function createTraceObserver(spans: OpenSpans, redact: readonly string[] | null): Partial<Observer> {
  const content = redact === null ? noContent : createContentAttributes(createMask(redact))
  const executions = new Map<string, Execution>()

  const startAttempt = (attempt: SentAttempt | EndedAttempt) => {
    const { stepId, runId, provider, model, purpose } = attempt
    if (purpose === "summary") {
      spans.start({
        id: toCompactionId(stepId),
        owner: runId,
        name: "compaction",
        kind: "internal",
        parent: runId,
        attributes: selectIds(attempt),
      })
    }
    spans.start({
      id: stepId,
      owner: runId,
      name: `chat ${model}`,
      kind: "client",
      parent: purpose === "summary" ? toCompactionId(stepId) : runId,
      attributes: {
        [names.operation]: "chat",
        ...selectIds(attempt),
        [names.provider]: toProviderName(provider),
        [names.model]: model,
        [names.purpose]: purpose,
        [names.attempt]: attempt.attempt,
        ...("request" in attempt && { [names.maxTokens]: attempt.request.maxTokens }),
      },
    })
  }

  const startCall = (run: RunFacts, toolCallId: string, tool: string) => {
    const former = executions.get(run.runId)?.paused.get(toolCallId)
    executions.get(run.runId)?.paused.delete(toolCallId)
    spans.start({
      id: toolCallId,
      owner: run.runId,
      name: `execute_tool ${tool}`,
      kind: "internal",
      parent: run.runId,
      links: former == null ? [] : [former],
      attributes: {
        [names.operation]: "execute_tool",
        ...selectIds(run),
        [names.tool]: tool,
        [names.toolCall]: toolCallId,
        [names.toolType]: "function",
      },
    })
  }

  return {
    onExecutionStarted(run) {
      const { runId, agent, firstSpan, traceparent } = run
      const first = firstSpan === null ? null : parseSpanContext(firstSpan)
      // If the sampler dropped the first span, further ones follow its decision.
      const isDropped = first !== null && (first.traceFlags & 1) === 0
      spans.start({
        id: runId,
        owner: runId,
        name: `invoke_agent ${agent}`,
        kind: "internal",
        parent: isDropped ? firstSpan : traceparent,
        links: first === null ? [] : [first],
        attributes: { [names.operation]: "invoke_agent", ...selectIds(run) },
      })
      executions.set(runId, { firstSpan: firstSpan ?? spans.traceparentOf(runId), paused: new Map() })
    },
    onRunEnded({ runId, outcome, reason, error }) {
      spans.setAttributes(runId, {
        [names.outcome]: outcome,
        ...(reason !== null && { [names.reason]: reason }),
        ...(error !== null && { [names.errorType]: error.code }),
      })
      if (error !== null) spans.setError(runId, error.code)
    },
    onExecutionEnded({ runId, outcome }) {
      executions.delete(runId)
      spans.endAllOf(runId, { attributes: { [names.errorType]: "interrupted" }, error: "interrupted" })
      spans.end(runId, outcome === "ended" ? {} : { attributes: { [names.outcome]: outcome } })
    },
    onAttemptSent(attempt) {
      startAttempt(attempt)
      spans.setAttributes(attempt.stepId, content.ofRequest(attempt))
    },
    onAttemptEnded(end) {
      const { stepId, code, stopReason, firstTokenMs } = end
      // The process that sent the request has died, or a runner sent it. Its times are not known.
      if (!spans.has(stepId)) startAttempt(end)
      const attributes = {
        ...toUsageAttributes(end),
        ...(stopReason !== null && { [names.finishReasons]: [toFinishReason(stopReason)] }),
        ...(firstTokenMs !== null && { [names.firstChunkSeconds]: firstTokenMs / 1_000 }),
        ...(code !== null && { [names.errorType]: code }),
        ...content.ofResponse(end),
      }
      spans.end(stepId, { attributes, error: code })
      spans.end(toCompactionId(stepId), { error: code })
    },
    onToolCallStarted(call) {
      if (!spans.has(call.toolCallId)) startCall(call, call.toolCallId, call.tool)
    },
    onToolCallEnded(end) {
      const { toolCallId, tool, outcome, server, result, interruption } = end
      // The call may have begun in a process that died. A call that did not begin has no span.
      if (interruption?.outcome === "unknown" && !spans.has(toolCallId)) startCall(end, toolCallId, tool)
      const code = interruption?.reason ?? (result?.type === "error" ? result.code : "tool_failed")
      const error = outcome === "completed" ? null : code
      const attributes = {
        [names.outcome]: outcome,
        ...(server !== null && { [names.server]: server }),
        ...(error !== null && { [names.errorType]: error }),
        ...content.ofToolCall(end),
      }
      spans.end(toolCallId, { attributes, error })
    },
    onWaitOpened({ runId, toolCallId }) {
      const context = spans.spanContextOf(toolCallId)
      if (context !== null) executions.get(runId)?.paused.set(toolCallId, context)
      spans.end(toolCallId, { attributes: { [names.outcome]: "waiting" } })
    },
    onWaitResolved(wait) {
      const { runId, waitId, toolCallId, tool, kind, openedAt, via, answer, at } = wait
      const execution = executions.get(runId)
      spans.start({
        id: waitId,
        owner: runId,
        name: `wait ${kind}`,
        kind: "internal",
        // The wait may have opened in another process, long before the span of this execution.
        parent: execution?.firstSpan ?? runId,
        startedAt: openedAt,
        attributes: {
          ...selectIds(wait),
          [names.tool]: tool,
          [names.toolCall]: toolCallId,
          [names.waitKind]: kind,
          [names.via]: via,
          ...(answer !== null && { [names.answer]: answer }),
        },
      })
      spans.end(waitId, { endedAt: Math.max(openedAt, at) })
      if (execution?.paused.has(toolCallId)) startCall(wait, toolCallId, tool)
    },
    onDeliveryStarted(delivery) {
      const { id, kind, sessionId, attempt, traceparent } = delivery
      spans.start({
        id: toDeliveryId(delivery),
        owner: toDeliveryId(delivery),
        name: `deliver ${kind}`,
        kind: "client",
        parent: traceparent,
        attributes: {
          [names.conversation]: sessionId,
          [names.item]: id,
          [names.itemKind]: kind,
          [names.attempt]: attempt,
        },
      })
    },
    onDeliveryEnded(end) {
      const { outcome, error } = end
      const code = "delivery_failed"
      spans.end(toDeliveryId(end), {
        attributes: { [names.outcome]: outcome, ...(error !== null && { [names.errorType]: code }) },
        error: error === null ? null : (content.ofDeliveryError(error) ?? code),
      })
    },
  }
}

function selectIds({ agent, sessionId, runId }: RunFacts) {
  return { [names.agent]: agent, [names.conversation]: sessionId, [names.run]: runId }
}

/** The id of a compaction is that of its model attempt. */
function toCompactionId(stepId: string): string {
  return `compaction ${stepId}`
}
