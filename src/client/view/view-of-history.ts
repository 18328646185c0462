import type { History, HistoryMessage, Task } from "../../core/wire/messages.ts"
import { maxSubAgents } from "./apply-sub-agent-event.ts"
import { createTask } from "./apply-task-event.ts"
import { addData, change, createCall, openWait, toOutcome } from "./apply-tool-event.ts"
import {
  type ChatView,
  emptyView,
  type QueuedMessage,
  type RunEnd,
  type ViewCompaction,
  type ViewPart,
  type ViewTask,
  type ViewToolCall,
} from "./view.ts"
import {
  addMessage,
  addParts,
  changeCall,
  listCurrentParts,
  toState,
  toView,
  type ViewState,
} from "./view-state.ts"

type HistoryBlock = HistoryMessage["content"][number]

/** Returns the view of a stored conversation. Subscribe after its `cursor` to receive later events. */
export function viewOfHistory(history: History): ChatView {
  const shown = history.messages.reduce(addHistoryMessage, toState(emptyView))
  const { length } = listCurrentParts(shown)
  const started: ViewState = {
    ...shown,
    isRunning: history.active_run !== null,
    ended: findLastEnd(history),
    tasks: history.running_tasks.map(toTask),
    usage: history.usage,
    compaction: findLastCompaction(history),
    queued: listQueued(history),
    cursor: history.last_seq,
    before: history.before,
    kept: { byRetry: length, byFailure: length },
  }
  const waits = [
    ...history.pending_approvals.map((wait) => ({ kind: "approval", ...wait }) as const),
    ...history.pending_elicitations.map((wait) => ({ kind: "question", ...wait }) as const),
    ...history.pending_tool_calls.map((wait) => ({ kind: "clientTool", ...wait }) as const),
  ]
  // Waits of background tasks can be open when no run is open.
  return toView({ ...waits.reduce(openWait, started), isRunning: started.isRunning })
}

/** Returns the waiting messages that open or join a run soon. A run for a later time is not one of them. */
function listQueued({ queued_runs, steering_messages = [], active_run }: History): QueuedMessage[] {
  const run_id = active_run?.run_id ?? null
  return [
    ...steering_messages.map(({ message_id, content }) => ({
      ...{ key: `steering-${message_id}`, run_id, content: content ?? [], steers: true, message_id },
    })),
    ...queued_runs
      .filter(({ not_before }) => not_before === null)
      .map(({ run_id, content }) => ({
        ...{ key: run_id, run_id, content: content ?? [], steers: false, message_id: null },
      })),
  ]
}

function toTask({ task_id, agent_name, description, tool_call_id, sub_agent_id }: Task): ViewTask {
  const ids = { tool_call_id, sub_agent_ids: [sub_agent_id] }
  return { ...createTask(task_id, agent_name), description, ...ids }
}

function addHistoryMessage(state: ViewState, { role, content }: HistoryMessage): ViewState {
  if (role === "tool") return content.reduce(addResult, state)
  const parts = content.flatMap(toPart)
  return role === "assistant" ? addParts(state, parts) : addMessage(state, role, parts)
}

function addResult(state: ViewState, block: HistoryBlock): ViewState {
  switch (block.type) {
    case "tool_result": {
      const { duration_ms = null, server = null, output = [] } = block
      const outcome = toOutcome(block)
      const ended = change(state, block.tool_call_id, { ...outcome, duration_ms, server, output })
      return addSubAgents(ended, block, outcome.state)
    }
    case "data":
      return changeCall(state, block.tool_call_id, (call) => ({ ...call, data: addData(call.data, block) }))
    default:
      return state
  }
}

/** Adds the sub-agents of a call that has ended, without their turns. */
function addSubAgents(
  state: ViewState,
  { tool_call_id, sub_agents = [] }: Extract<HistoryBlock, { type: "tool_result" }>,
  called: ViewToolCall["state"],
): ViewState {
  if (sub_agents.length === 0) return state
  const outcome = called === "completed" || called === "interrupted" ? called : "failed"
  const ended = { outcome, reason: null, error: null } as const
  const added = sub_agents.map(({ sub_agent_id, agent_name }) => ({
    ...{ sub_agent_id, agent_name, tool_call_id, parent_sub_agent_id: null },
    ...{ view: { ...emptyView, ended }, partial: true, checkpoints: [] },
  }))
  return { ...state, subAgents: [...state.subAgents, ...added].slice(-maxSubAgents) }
}

/** Returns the end of the last run, if it did not complete. */
function findLastEnd({ messages, active_run }: History): RunEnd | null {
  const block = active_run === null ? messages.at(-1)?.content.at(-1) : undefined
  return block?.type === "run_end" ? toRunEnd(block) : null
}

function toRunEnd(block: Extract<HistoryBlock, { type: "run_end" }>): RunEnd {
  const { type: _, ...end } = block
  return end
}

function findLastCompaction({ messages }: History): ViewCompaction | null {
  const last = messages.flatMap(({ content }) => content).findLast((block) => block.type === "compaction")
  return last === undefined ? null : toCompaction(last)
}

function toCompaction(block: Extract<HistoryBlock, { type: "compaction" }>): ViewCompaction {
  const { chars, tokens_before, tokens_after } = block
  return { chars, tokens_before, tokens_after }
}

function toPart(block: HistoryBlock): ViewPart[] {
  switch (block.type) {
    case "tool_result":
    case "data":
      return []
    case "tool_call":
      return [createCall(block.tool_call_id, block.tool_name, block.tool_input)]
    case "compaction":
      return [{ type: block.type, cursor: block.cursor, ...toCompaction(block) }]
    case "run_end":
    case "text":
    case "thinking":
    case "image":
      return [block]
    default:
      // A newer gateway may send other blocks.
      block satisfies never
      return []
  }
}
