import type { ChatEvent } from "../wire/chat-event.ts"
import { taskOf, withoutWaits, withTask } from "./apply-task-event.ts"
import { closeWaits, openWait } from "./apply-tool-event.ts"
import { type ChatView, emptyView, openRun, type ViewSubAgent, type ViewWait } from "./view.ts"

type EventOf<Type> = Extract<ChatEvent, { type: Type }>
type Apply = (view: ChatView, event: ChatEvent) => ChatView

/** Sub-agents that a view holds. The oldest ones that have ended are forgotten. */
const maxSubAgents = 100
const emptyRun: ChatView = { ...emptyView, isRunning: true }

/**
 * Applies an event of a sub-agent. `apply` applies the same event to the sub-agent's own view. The text of a sub-agent
 * is never the session's, and its waits are the session's as well.
 */
export function applySubAgentEvent(view: ChatView, event: ChatEvent, apply: Apply): ChatView {
  const { sub_agent_id, ...own } = event
  if (sub_agent_id === undefined) return view
  if (event.type === "sub_agent_start") return start(view, event)
  const next = applyWait(view, event, sub_agent_id)
  const index = next.subAgents.findIndex(({ id }) => id === sub_agent_id)
  const subAgent = next.subAgents[index]
  if (subAgent === undefined) return next
  const subAgents = next.subAgents.with(index, advance(subAgent, own as ChatEvent, apply))
  return settleSubAgents({ ...next, subAgents }, event)
}

/** Marks the sub-agents of a call as ended when the call has. Their own ends may have been missed. */
export function settleSubAgents(view: ChatView, event: ChatEvent): ChatView {
  switch (event.type) {
    case "tool_call_complete":
      return settle(view, event.error === null ? "completed" : "failed", event.tool_call_id)
    case "tool_call_interrupted":
      return settle(view, "interrupted", event.tool_call_id)
    case "stream_complete":
    case "error":
      return event.sub_agent_id === undefined ? settle(view, "interrupted") : view
    default:
      return view
  }
}

function settle(
  view: ChatView,
  outcome: "completed" | "interrupted" | "failed",
  toolCallId?: string,
): ChatView {
  const isOver = (subAgent: ViewSubAgent) =>
    subAgent.view.isRunning && (toolCallId === undefined || subAgent.toolCallId === toolCallId)
  if (!view.subAgents.some(isOver)) return view
  const ended = { outcome, reason: null, error: null }
  const subAgents = view.subAgents.map((subAgent) =>
    isOver(subAgent)
      ? { ...subAgent, isPartial: true, view: { ...subAgent.view, isRunning: false, waits: [], ended } }
      : subAgent,
  )
  return { ...view, subAgents }
}

/** A sub-agent that is shown again begins with one of its turns. What was shown of that turn is discarded. */
function start(view: ChatView, event: EventOf<"sub_agent_start">): ChatView {
  const { sub_agent_id: id, agent_name: agentName, tool_call_id: toolCallId, task_id, turn } = event
  // The open waits of a sub-agent come again after its start.
  const cleared = withoutWaits(view, ({ sub_agent_id }) => sub_agent_id === id)
  if (task_id !== undefined) return noteSubAgent(withTask(cleared, task_id, agentName), task_id, id)
  const before = cleared.subAgents.find((each) => each.id === id)
  const others = cleared.subAgents.filter((each) => each !== before)
  const begun = { id, agentName, toolCallId, parentId: event.parent_sub_agent_id }
  const checkpoint = before?.checkpoints.findLast(({ turns }) => turns === turn - 1)
  const last = checkpoint ?? before?.checkpoints.at(-1) ?? { turns: turn - 1, view: emptyRun }
  const isPartial = before?.isPartial === true || (checkpoint === undefined && turn > 1)
  const checkpoints = [{ turns: turn - 1, view: last.view }]
  const shown = { ...begun, isPartial, view: last.view, checkpoints }
  if (before !== undefined) {
    return { ...cleared, subAgents: cleared.subAgents.map((each) => (each === before ? shown : each)) }
  }
  const kept = others.length < maxSubAgents ? others : withoutOldest(others)
  return { ...openRun(cleared), subAgents: [...kept, shown] }
}

function withoutOldest(subAgents: readonly ViewSubAgent[]): readonly ViewSubAgent[] {
  const oldest = Math.max(
    0,
    subAgents.findIndex(({ view }) => !view.isRunning),
  )
  return subAgents.toSpliced(oldest, 1)
}

function advance(subAgent: ViewSubAgent, event: ChatEvent, apply: Apply): ViewSubAgent {
  const view = apply(subAgent.view, event)
  if (event.type !== "turn_complete") return { ...subAgent, view }
  // A stream that is opened again begins with the last turn, or with the one that follows it.
  const checkpoints = [...subAgent.checkpoints.slice(-1), { turns: event.turn, view }]
  return { ...subAgent, view, checkpoints }
}

function noteSubAgent(view: ChatView, taskId: string, id: string): ChatView {
  const tasks = view.tasks.map((task) =>
    task.taskId === taskId && !task.subAgentIds.includes(id)
      ? { ...task, subAgentIds: [...task.subAgentIds, id] }
      : task,
  )
  return { ...view, tasks }
}

function applyWait(view: ChatView, event: ChatEvent, subAgentId: string): ChatView {
  const open = (wait: ViewWait) => {
    // A task goes on without a run.
    const isOfTask = taskOf(view, subAgentId) !== null
    return isOfTask ? { ...openWait(view, wait), isRunning: view.isRunning } : openWait(openRun(view), wait)
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
      if (nonce === undefined) return view
      return open({ kind: "clientTool", tool_call_id, nonce, tool_name, tool_input, sub_agent_id })
    }
    case "approval_resolved":
    case "elicitation_resolved":
    case "tool_call_complete":
    case "tool_call_interrupted":
      return closeWaits(view, event.tool_call_id)
    case "stream_complete":
    case "error":
      return withoutWaits(view, ({ sub_agent_id }) => sub_agent_id === subAgentId)
    default:
      return view
  }
}
