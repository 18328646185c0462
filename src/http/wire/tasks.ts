import type { ListedTask } from "../../sessions/tree/list-tasks.ts"
import type { WireTask } from "../schemas/tasks.ts"
import { unixSeconds, wireUsage } from "./content.ts"

export function wireTask(task: ListedTask): WireTask {
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
    usage: outcome === null ? null : wireUsage(outcome.spent),
    collected: isCollected,
    started_at: unixSeconds(startedAt),
  }
}
