import type { TaskEnded, TaskRegistered } from "../../../core/log/task-events.ts"
import { toWireUsage } from "../../../core/wire/usage.ts"
import type { ListedTask } from "../../../kernel/sessions/tree/list-tasks.ts"
import type { TaskProgress } from "../../../kernel/sessions/tree/task-progress.ts"
import type { ChatEvent } from "../schemas/events.ts"
import type { WireTask } from "../schemas/tasks.ts"
import { toUnixSeconds } from "./content.ts"

export function toWireTask(task: ListedTask): WireTask {
  const { taskId, name, description, toolCallId, sessionId, outcome, isCollected, startedAt } = task
  return {
    task_id: taskId,
    agent_name: name,
    description,
    tool_call_id: toolCallId,
    sub_agent_id: sessionId,
    state: outcome?.outcome ?? "running",
    reason: outcome?.reason ?? null,
    result: outcome?.response ?? null,
    error: outcome?.error ?? null,
    usage: outcome === null ? null : toWireUsage(outcome.spent),
    collected: isCollected,
    started_at: toUnixSeconds(startedAt),
  }
}

export function createTaskRegisteredEvent({
  taskId,
  name,
  description,
  toolCallId,
}: TaskRegistered): ChatEvent {
  const task = { task_id: taskId, agent_name: name, description, tool_call_id: toolCallId }
  return { type: "task_registered", ...task }
}

export function createTaskProgressEvent({ taskId, name, turn, toolName, spent }: TaskProgress): ChatEvent {
  const usage = spent === null ? null : toWireUsage(spent)
  return { type: "task_progress", task_id: taskId, agent_name: name, turn, tool_name: toolName, usage }
}

export function createTaskCompletedEvent({
  taskId: task_id,
  name: agent_name,
  outcome,
}: TaskEnded): ChatEvent {
  const { outcome: disposition, reason, response: result, error, spent } = outcome
  return {
    type: "task_completed",
    task_id,
    agent_name,
    disposition,
    ...(reason !== null && { reason }),
    ...(error === null ? { result } : { error }),
    usage: toWireUsage(spent),
  }
}
