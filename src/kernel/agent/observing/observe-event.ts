import type { EventEntry, WaitResolved } from "../../../core/log/entries.ts"
import { toEventId } from "../../../core/log/event-id.ts"
import type { ModelChoice, ModelRequest } from "../../../core/ports/model/provider.ts"
import type { EndedAttempt, ModelAttemptFacts, ResolvedWait, RunFacts } from "../../../core/ports/observer.ts"
import { isFailure } from "../../../core/tools/tool-result.ts"
import type { RunContext } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import type { CallState } from "../tools/call-state.ts"
import type { AttemptClock } from "./attempt-clock.ts"

type Place = Pick<
  RunContext,
  "tenant" | "userId" | "agent" | "sessionId" | "tree" | "observers" | "attempts" | "conversation"
>

type AttemptOutcome = Omit<EndedAttempt, keyof RunFacts | "id" | keyof ReturnType<AttemptClock["end"]>>

const noResponse = { stopReason: null, response: null } as const

/**
 * Calls the observers for an event that was just stored. The conversation does not have the event yet. Builds only
 * what an observer receives.
 */
export function observeEvent(place: Place, entry: EventEntry): void {
  const { observers, sessionId, attempts } = place
  const { run } = place.conversation
  const { event, seq } = entry
  const runFacts = () => selectRunFacts(place, entry, run)
  const id = () => toEventId(sessionId, seq)
  /** Reports the attempt's outcome, with its times if this process sent it. */
  const endAttempt = (outcome: AttemptOutcome) =>
    observers.onAttemptEnded?.({ ...runFacts(), id: id(), ...outcome, ...attempts.end(outcome) })
  observers.onEventStored?.({ ...runFacts(), id: id(), entry })
  switch (event.type) {
    case "runStarted":
      observers.onRunOpened?.({
        ...runFacts(),
        traceparent: event.traceparent ?? null,
        parent: place.tree.parent,
      })
      break
    case "runCompleted": {
      const { disposition: outcome, reason, usage, cost } = event
      observers.onRunEnded?.({
        ...runFacts(),
        id: id(),
        outcome,
        reason,
        error: null,
        ...computeTotals(run, entry),
        usage,
        cost,
      })
      break
    }
    case "runFailed": {
      const { code, message, usage, cost } = event
      observers.onRunEnded?.({
        ...runFacts(),
        id: id(),
        outcome: "failed",
        reason: null,
        error: { code, message },
        ...computeTotals(run, entry),
        usage,
        cost,
      })
      break
    }
    case "stepStarted":
      observers.onTurnStarted?.({ ...runFacts(), stepId: event.stepId, turn: event.step })
      break
    case "stepCompleted": {
      const { stepId, step: turn, usage, cost } = event
      observers.onTurnEnded?.({ ...runFacts(), stepId, turn, usage, cost })
      break
    }
    case "messageCompleted": {
      const { stepId, model, usage, cost, estimated, stopReason, message: response } = event
      const attempt = run?.phase.type === "calling" ? run.phase.attempt : 1
      const outcome = { attempt, purpose: "response", code: null, stopReason, response } as const
      endAttempt({ stepId, model, usage, cost, estimated, ...outcome })
      break
    }
    case "modelCallFailed": {
      const { stepId, attempt, model, usage, cost, estimated, code } = event
      // The process stopped before it sent the request.
      if (code === "not_sent") break
      const outcome = { attempt, purpose: "response", code, ...noResponse } as const
      endAttempt({ stepId, model, usage, cost, estimated, ...outcome })
      break
    }
    case "historyCompacted":
    case "compactionFailed": {
      const { compactionId: stepId, model, usage, cost, estimated } = event
      const code = event.type === "compactionFailed" ? event.code : null
      const outcome = { attempt: 1, purpose: "summary", code, ...noResponse } as const
      endAttempt({ stepId, model, usage, cost, estimated, ...outcome })
      break
    }
    case "toolCallStarted": {
      const { toolCallId } = event
      const tool = findCall(run, toolCallId)?.requested.name ?? ""
      observers.onToolCallStarted?.({ ...runFacts(), toolCallId, tool })
      break
    }
    case "toolCallCompleted": {
      const { toolCallId, name: tool, server, durationMs, result } = event
      observers.onToolCallEnded?.({
        ...runFacts(),
        id: id(),
        toolCallId,
        tool,
        server,
        outcome: isFailure(result) ? "failed" : "completed",
        durationMs,
        input: findCall(run, toolCallId)?.requested.input ?? {},
        result,
        interruption: null,
      })
      break
    }
    case "toolCallInterrupted": {
      const { toolCallId, name: tool, reason, outcome } = event
      observers.onToolCallEnded?.({
        ...runFacts(),
        id: id(),
        toolCallId,
        tool,
        server: null,
        outcome: "interrupted",
        durationMs: null,
        input: findCall(run, toolCallId)?.requested.input ?? {},
        result: null,
        interruption: { reason, outcome },
      })
      break
    }
    case "waitOpened": {
      const { waitId, toolCallId, toolName: tool, kind, expiresAt } = event
      observers.onWaitOpened?.({ ...runFacts(), waitId, toolCallId, tool, kind, expiresAt })
      break
    }
    case "waitResolved": {
      const { waitId, toolCallId, kind, decidedBy } = event
      const call = findCall(run, toolCallId)
      const tool = call?.requested.name ?? ""
      const openedAt = call?.openedAt ?? entry.at
      const answer = readAnswer(event)
      const via = decidedBy?.via ?? "expiry"
      observers.onWaitResolved?.({ ...runFacts(), waitId, toolCallId, tool, kind, openedAt, via, answer })
      break
    }
  }
}

/** Calls the observers for a request that goes out to a model now, and starts to measure it. */
export function observeSending(
  place: Place & Pick<RunContext, "clock">,
  { provider: { name: provider }, model }: ModelChoice,
  attempt: Pick<ModelAttemptFacts, "stepId" | "purpose" | "attempt">,
  request: ModelRequest,
): void {
  const { run } = place.conversation
  const at = place.clock.now()
  const facts = {
    ...selectRunFacts(place, { runId: run?.runId ?? null, at }, run),
    ...attempt,
    provider,
    model,
  }
  place.attempts.start(facts)
  place.observers.onAttemptSent?.({ ...facts, request, record: () => place.attempts.startRecord(request) })
}

/**
 * Returns the `traceparent` for requests of this work: that of its span, or else of the run's span, or else of the
 * request that started the run. Null if there is none.
 */
export function selectTraceparent(
  { traces, conversation: { run } }: Pick<RunContext, "traces" | "conversation">,
  id: string,
): string | null {
  if (run === null) return traces.traceparentOf(id)
  return traces.traceparentOf(id) ?? traces.traceparentOf(run.runId) ?? run.started.traceparent ?? null
}

function selectRunFacts(
  { tenant, userId, agent, sessionId }: Place,
  { runId, at }: Pick<EventEntry, "runId" | "at">,
  run: RunState | null,
): RunFacts {
  const traceparent = run?.started.traceparent ?? null
  return { tenant, userId, agent, sessionId, runId: runId ?? "", traceparent, at }
}

function computeTotals(run: RunState | null, { at }: EventEntry) {
  return run === null ? { durationMs: 0, turns: 0 } : { durationMs: at - run.startedAt, turns: run.steps }
}

function findCall(run: RunState | null, toolCallId: string): CallState | undefined {
  return run?.phase.type === "settling" ? run.phase.calls.get(toolCallId) : undefined
}

function readAnswer(event: WaitResolved): ResolvedWait["answer"] {
  if (event.kind === "approval") return event.resolution.approved ? "approved" : "denied"
  return event.kind === "elicitation" ? event.resolution.action : null
}
