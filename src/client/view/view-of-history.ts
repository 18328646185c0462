import type { History, HistoryMessage, Task } from "../wire/messages.ts"
import { createTask } from "./apply-task-event.ts"
import { addData, change, changeWith, createCall, openWait, toOutcome } from "./apply-tool-event.ts"
import {
  addMessage,
  type ChatView,
  emptyView,
  listCurrentParts,
  type QueuedMessage,
  replaceParts,
  type ViewCompaction,
  type ViewPart,
  type ViewTask,
} from "./view.ts"

/** Returns the view of a stored conversation. Subscribe after its `cursor` to receive later events. */
export function viewOfHistory(history: History): ChatView {
  const shown = history.messages.reduce(addHistoryMessage, emptyView)
  const { length } = listCurrentParts(shown)
  const started: ChatView = {
    ...shown,
    isRunning: history.active_run !== null,
    tasks: history.running_tasks.map(toTask),
    usage: history.usage,
    compaction: findLastCompaction(shown),
    queued: listQueued(history),
    cursor: history.last_seq,
    kept: { byRetry: length, byFailure: length },
  }
  const waits = [
    ...history.pending_approvals.map((wait) => ({ kind: "approval", ...wait }) as const),
    ...history.pending_elicitations.map((wait) => ({ kind: "question", ...wait }) as const),
    ...history.pending_tool_calls.map((wait) => ({ kind: "clientTool", ...wait }) as const),
  ]
  // Waits of background tasks can be open when no run is open.
  return { ...waits.reduce(openWait, started), isRunning: started.isRunning }
}

/** Returns the waiting messages that open or join a run soon. A run for a later time is not one of them. */
function listQueued({ queued_runs, steering_messages = [], active_run }: History): QueuedMessage[] {
  const runId = active_run?.run_id ?? null
  return [
    ...steering_messages.map(({ message_id: messageId, content }) => ({
      ...{ key: `steering-${messageId}`, runId, content: content ?? [], steers: true, messageId },
    })),
    ...queued_runs
      .filter(({ not_before }) => not_before === null)
      .map(({ run_id, content }) => ({
        ...{ key: run_id, runId: run_id, content: content ?? [], steers: false, messageId: null },
      })),
  ]
}

function toTask({ task_id, agent_name, description, tool_call_id, sub_agent_id }: Task): ViewTask {
  const ids = { toolCallId: tool_call_id, subAgentIds: [sub_agent_id] }
  return { ...createTask(task_id, agent_name), description, ...ids }
}

function addHistoryMessage(view: ChatView, { role, content }: HistoryMessage): ChatView {
  if (role === "tool") return content.reduce(addResult, view)
  const parts = content.flatMap(toPart)
  return role === "assistant"
    ? replaceParts(view, [...listCurrentParts(view), ...parts])
    : addMessage(view, role, parts)
}

function addResult(view: ChatView, block: HistoryMessage["content"][number]): ChatView {
  switch (block.type) {
    case "tool_result":
      return change(view, block.tool_call_id, toOutcome(block))
    case "data":
      return changeWith(view, block.tool_call_id, (call) => ({ ...call, data: addData(call.data, block) }))
    default:
      return view
  }
}

function findLastCompaction({ messages }: ChatView): ViewCompaction | null {
  const parts = messages.flatMap(({ parts }) => parts)
  const last = parts.findLast((part) => part.type === "compaction")
  if (last === undefined) return null
  const { characters, tokensBefore, tokensAfter } = last
  return { characters, tokensBefore, tokensAfter }
}

function toPart(block: HistoryMessage["content"][number]): ViewPart[] {
  switch (block.type) {
    case "tool_result":
    case "data":
      return []
    case "tool_call":
      return [createCall(block.tool_call_id, block.tool_name, block.tool_input)]
    case "compaction": {
      const {
        type,
        cursor,
        chars: characters,
        tokens_before: tokensBefore,
        tokens_after: tokensAfter,
      } = block
      return [{ type, cursor, characters, tokensBefore, tokensAfter }]
    }
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
