import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { StreamEnd } from "../../../http/streams/wire.ts"
import type { SubAgent } from "../../../kernel/sessions/tree/sub-agent.ts"
import { createInterrupt, type Interrupt, type OpenWait } from "./interrupts.ts"
import { createPartEnd } from "./message-parts.ts"
import { startSegment } from "./segment.ts"
import type { AgUiState, PendingCall } from "./state.ts"

/** Returns the last events of a stream that has shown its segment. */
export function describeEnd(
  state: AgUiState,
  end: StreamEnd,
  subAgents: ReadonlyMap<SubAgent, AgUiState>,
): readonly string[] {
  // A background task is shown by events of its own.
  const open = [...subAgents].filter(([{ taskId }]) => taskId === null)
  const interrupts = end.type === "parked" ? listInterrupts(end.waits, [...subAgents.keys()]) : []
  const closing = open.flatMap(([subAgent, own]) => {
    const ending = end.type === "parked" ? suspend(subAgent, interrupts) : abandon(subAgent)
    return [...(own.phase === "before" ? [] : closeTurn(own)), ending]
  })
  const shown = state.phase === "before" ? startSegment(state) : state
  const calls = end.type === "parked" ? shown.facts.pending.map(describePending) : []
  return [...closeTurn(shown), ...closing, ...calls, describeRunEnd(shown, interrupts)]
}

/** Returns the last events of a segment that another one follows. */
export function describeSegmentEnd(state: AgUiState): readonly string[] {
  return [...closeTurn(state), describeRunEnd(state, listInterrupts(state.facts.waits, []))]
}

/** Returns the events that end the open message and the open turn. */
export function closeTurn({ part, facts, viewer }: AgUiState): readonly string[] {
  const owner = viewer.subAgentId === null ? {} : { subagentRunId: viewer.subAgentId }
  const bodies = createPartEnd(part, owner)
  if (facts.step === null) return bodies
  return [...bodies, JSON.stringify({ type: "STEP_FINISHED", ...owner, stepName: facts.step })]
}

/** Returns the event at which clients of TanStack AI execute a tool of the page. */
function describePending({ toolCallId, name: toolName, input }: PendingCall): string {
  return JSON.stringify({
    type: "CUSTOM",
    name: "tool-input-available",
    value: { toolCallId, toolName, input },
  })
}

/** Clients before 1.0 fail at an outcome that they do not know, and at a member of it. */
function describeRunEnd({ viewer, facts }: AgUiState, interrupts: readonly Interrupt[]): string {
  const { threadId, runId } = viewer
  const { end, pending } = facts
  const usage = facts.usage.length === 0 ? {} : { usage: facts.usage }
  if (end?.type === "runFailed") {
    return JSON.stringify({ type: "RUN_ERROR", message: end.message, code: end.code, ...usage })
  }
  const finished = { type: "RUN_FINISHED", threadId, runId }
  if (end === null) {
    const calls =
      pending.length === 0 || viewer.isFormer
        ? {}
        : { pendingToolCallIds: pending.map(({ toolCallId }) => toolCallId) }
    const outcome =
      interrupts.length === 0 ? { type: "success", ...calls } : { type: "interrupt", interrupts }
    return JSON.stringify({ ...finished, outcome, ...usage })
  }
  const { reason, output, cost } = end
  const outcome = { type: reason === "cancelled" && !viewer.isFormer ? "cancelled" : "success" }
  const result = output === undefined ? {} : { result: output }
  const metadata = { ...(reason !== null && { reason }), ...(cost !== null && { costUsd: cost }) }
  return JSON.stringify({ ...finished, outcome, ...result, ...usage, metadata })
}

function listInterrupts(
  waits: readonly (OpenWait & Partial<Pick<Wait, "sessionId">>)[],
  subAgents: readonly SubAgent[],
): readonly Interrupt[] {
  return waits.flatMap((wait) => {
    const asking = subAgents.find(({ sessionId }) => sessionId === wait.sessionId)
    return createInterrupt(wait, asking?.sessionId ?? null) ?? []
  })
}

function suspend({ sessionId: subagentRunId }: SubAgent, interrupts: readonly Interrupt[]): string {
  const own = interrupts.filter((each) => each.subagentRunId === subagentRunId)
  const outcome = { type: "suspended", interruptIds: own.map(({ id }) => id) }
  return JSON.stringify({ type: "SUBAGENT_FINISHED", subagentRunId, outcome })
}

/** Returns the end of a sub-agent that outlived the run. */
function abandon({ sessionId: subagentRunId }: SubAgent): string {
  const message = "The run ended before its sub-agent."
  return JSON.stringify({ type: "SUBAGENT_ERROR", subagentRunId, message })
}
