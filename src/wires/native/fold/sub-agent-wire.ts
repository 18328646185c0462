import { isTerminal, type LiveEntry, type TerminalEvent } from "../../../core/log/entries.ts"
import { toWireUsage } from "../../../core/wire/usage.ts"
import type { Folded, Frame, SubAgentWire } from "../../../http/streams/wire.ts"
import type { SubAgent } from "../../../kernel/sessions/tree/sub-agent.ts"
import { createTaskProgressEvent } from "../forms/tasks.ts"
import type { ChatEvent } from "../schemas/events.ts"
import { createFrame, failureFrame } from "./event-frames.ts"

export interface SubAgentWireOptions<State> {
  /** Returns the state before an entry. */
  readonly start: (afterSeq: number) => State
  /** If true, the end of a failed run has the provider's own message. */
  readonly providerErrors: boolean
}

/** Creates the frames of sub-agents: those that `fold` returns for their entries, each with the sub-agent's id. */
export function createSubAgentWire<State>(
  fold: (state: State, entry: LiveEntry) => Folded<State>,
  { start, providerErrors }: SubAgentWireOptions<State>,
): SubAgentWire<State> {
  return {
    start({ sessionId, name, toolCallId, parentSessionId, isDirect, taskId, turn, afterSeq }) {
      const frame = createFrame({
        type: "sub_agent_start",
        sub_agent_id: sessionId,
        agent_name: name,
        tool_call_id: toolCallId,
        parent_sub_agent_id: isDirect ? null : parentSessionId,
        turn,
        ...(taskId !== null && { task_id: taskId }),
      })
      return [start(afterSeq), [frame]]
    },
    fold(subAgent, state, entry) {
      // The end of a sub-agent's run is not the end of the stream.
      if (entry.kind === "event" && isTerminal(entry.event)) {
        return [state, [createEndFrame(subAgent, { event: entry.event, at: entry.at, providerErrors })]]
      }
      const [next, frames] = fold(state, entry)
      return [next, frames.map((frame) => addSubAgent(frame, subAgent))]
    },
    progress: (progress) => [createFrame(createTaskProgressEvent(progress))],
    failure: (subAgent) => [addSubAgent(failureFrame, subAgent)],
  }
}

function addSubAgent(frame: Frame, { sessionId }: SubAgent): Frame {
  return `${frame.slice(0, -1)},"sub_agent_id":${JSON.stringify(sessionId)}}`
}

function createEndFrame(
  { sessionId, startedAt }: SubAgent,
  {
    event,
    at,
    providerErrors,
  }: { readonly event: TerminalEvent; readonly at: number; readonly providerErrors: boolean },
): Frame {
  return createFrame({
    type: "sub_agent_end",
    sub_agent_id: sessionId,
    ...describeEnd(event, providerErrors),
    usage: toWireUsage(event),
    // Two processes may have different clocks.
    duration_ms: Math.max(0, at - startedAt),
  })
}

function describeEnd(
  event: TerminalEvent,
  providerErrors: boolean,
): Pick<Extract<ChatEvent, { type: "sub_agent_end" }>, "outcome" | "reason" | "error"> {
  if (event.type === "runFailed") {
    const { code, message, providerMessage } = event
    const details = providerErrors && providerMessage !== undefined
    return {
      outcome: "failed",
      error: { code, message, ...(details && { provider_message: providerMessage }) },
    }
  }
  const { disposition: outcome, reason } = event
  return { outcome, ...(reason !== null && { reason }) }
}
