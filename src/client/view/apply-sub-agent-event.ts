import type { ChatEvent } from "../../core/wire/chat-event.ts"
import { addTask, findTask, removeWaits } from "./apply-task-event.ts"
import { closeWaits, openWait } from "./apply-tool-event.ts"
import { type ChatView, emptyView, type ViewSubAgent, type ViewWait } from "./view.ts"
import { changeView, openRun, type ViewState } from "./view-state.ts"

type EventOf<Type> = Extract<ChatEvent, { type: Type }>
type ApplyEvent = (view: ChatView, event: ChatEvent) => ChatView

/** Maximum number of sub-agents in a view. The oldest one that has ended is removed first. */
export const maxSubAgents = 100
const emptyRun: ChatView = { ...emptyView, isRunning: true }

/**
 * Applies an event of a sub-agent. `applyEvent` applies the same event to the sub-agent's own view. The text of a
 * sub-agent stays in its own view. Its waits are added to the session's view as well.
 */
export function applySubAgentEvent(state: ViewState, event: ChatEvent, applyEvent: ApplyEvent): ViewState {
  const { sub_agent_id, ...own } = event
  if (sub_agent_id === undefined) return state
  if (event.type === "sub_agent_start") return start(state, event)
  const next = applyWait(state, event, sub_agent_id)
  const index = next.subAgents.findIndex((subAgent) => subAgent.sub_agent_id === sub_agent_id)
  const subAgent = next.subAgents[index]
  if (subAgent === undefined) return next
  const subAgents = next.subAgents.with(index, advance(subAgent, own as ChatEvent, applyEvent))
  return settleSubAgents({ ...next, subAgents }, event)
}

/**
 * Marks the sub-agents of a call as ended when the call has ended, because the view may have missed their own ends.
 */
export function settleSubAgents(state: ViewState, event: ChatEvent): ViewState {
  switch (event.type) {
    case "tool_call_complete":
      return settle(state, event.error === null ? "completed" : "failed", event.tool_call_id)
    case "tool_call_interrupted":
      return settle(state, "interrupted", event.tool_call_id)
    case "stream_complete":
    case "error":
      return settle(state, "interrupted")
    default:
      return state
  }
}

function settle(
  state: ViewState,
  outcome: "completed" | "interrupted" | "failed",
  toolCallId?: string,
): ViewState {
  const isOver = (subAgent: ViewSubAgent) =>
    subAgent.view.isRunning && (toolCallId === undefined || subAgent.tool_call_id === toolCallId)
  if (!state.subAgents.some(isOver)) return state
  const changes = { isRunning: false, waits: [], ended: { outcome, reason: null, error: null } }
  const subAgents = state.subAgents.map((subAgent) =>
    isOver(subAgent) ? { ...subAgent, partial: true, view: changeView(subAgent.view, changes) } : subAgent,
  )
  return { ...state, subAgents }
}

/**
 * Starts a sub-agent, or restarts the turn from which the gateway sends it again. The parts of that turn that the
 * view already has are discarded.
 */
function start(state: ViewState, event: EventOf<"sub_agent_start">): ViewState {
  const { sub_agent_id: id, agent_name, tool_call_id, parent_sub_agent_id, task_id, turn } = event
  // The gateway sends the open waits of a sub-agent again after its start.
  const cleared = removeWaits(state, ({ sub_agent_id }) => sub_agent_id === id)
  if (task_id !== undefined) return noteSubAgent(addTask(cleared, task_id, agent_name), task_id, id)
  const before = cleared.subAgents.find((each) => each.sub_agent_id === id)
  const others = cleared.subAgents.filter((each) => each !== before)
  const begun = { sub_agent_id: id, agent_name, tool_call_id, parent_sub_agent_id }
  const checkpoint = before?.checkpoints.findLast(({ turns }) => turns === turn - 1)
  const last = checkpoint ?? before?.checkpoints.at(-1) ?? { turns: turn - 1, view: emptyRun }
  const partial = before?.partial === true || (checkpoint === undefined && turn > 1)
  const checkpoints = [{ turns: turn - 1, view: last.view }]
  const shown = { ...begun, partial, view: last.view, checkpoints }
  if (before !== undefined) {
    return { ...cleared, subAgents: cleared.subAgents.map((each) => (each === before ? shown : each)) }
  }
  const kept = others.length < maxSubAgents ? others : dropOldest(others)
  return { ...openRun(cleared), subAgents: [...kept, shown] }
}

function dropOldest(subAgents: readonly ViewSubAgent[]): readonly ViewSubAgent[] {
  const oldest = Math.max(
    0,
    subAgents.findIndex(({ view }) => !view.isRunning),
  )
  return subAgents.toSpliced(oldest, 1)
}

function advance(subAgent: ViewSubAgent, event: ChatEvent, applyEvent: ApplyEvent): ViewSubAgent {
  const view = applyEvent(subAgent.view, event)
  if (event.type !== "turn_complete") return { ...subAgent, view }
  // A reconnected stream starts with the last turn, or with the turn that follows it.
  const checkpoints = [...subAgent.checkpoints.slice(-1), { turns: event.turn, view }]
  return { ...subAgent, view, checkpoints }
}

function noteSubAgent(state: ViewState, taskId: string, id: string): ViewState {
  const tasks = state.tasks.map((task) =>
    task.task_id === taskId && !task.sub_agent_ids.includes(id)
      ? { ...task, sub_agent_ids: [...task.sub_agent_ids, id] }
      : task,
  )
  return { ...state, tasks }
}

function applyWait(state: ViewState, event: ChatEvent, subAgentId: string): ViewState {
  const open = (wait: ViewWait) => {
    // A background task continues after its run has ended.
    const isOfTask = findTask(state, subAgentId) !== null
    return isOfTask
      ? { ...openWait(state, wait), isRunning: state.isRunning }
      : openWait(openRun(state), wait)
  }
  switch (event.type) {
    case "tool_approval_request": {
      const { type, ...request } = event
      return open({ kind: "approval", ...request })
    }
    case "elicitation_request": {
      const { type, ...request } = event
      return open({ kind: "question", ...request })
    }
    case "tool_call_start": {
      const { tool_call_id, tool_name, tool_input, nonce, sub_agent_id } = event
      if (nonce === undefined) return state
      return open({ kind: "clientTool", tool_call_id, nonce, tool_name, tool_input, sub_agent_id })
    }
    case "approval_resolved":
    case "elicitation_resolved":
    case "tool_call_complete":
    case "tool_call_interrupted":
      return closeWaits(state, event.tool_call_id)
    case "sub_agent_end":
      return removeWaits(state, ({ sub_agent_id }) => sub_agent_id === subAgentId)
    default:
      return state
  }
}
