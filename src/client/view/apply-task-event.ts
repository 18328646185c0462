import type { ChatEvent } from "../wire/chat-event.ts"
import type { ChatView, ViewTask, ViewWait } from "./view.ts"

/** Maximum number of background tasks in a view. The newest ones are kept. */
const maxTasks = 200

/** Applies the events of background tasks. Repeated events change nothing. */
export function applyTaskEvent(view: ChatView, event: ChatEvent): ChatView {
  switch (event.type) {
    case "task_registered": {
      const { task_id, agent_name, description, tool_call_id } = event
      if (view.tasks.some(({ taskId }) => taskId === task_id)) return view
      const task = { ...createTask(task_id, agent_name), description, toolCallId: tool_call_id }
      return { ...view, tasks: [...view.tasks, task].slice(-maxTasks) }
    }
    case "task_progress": {
      const { turn, tool_name: toolName, usage } = event
      return change(view, event.task_id, (task) => ({ ...task, turn, toolName, usage }))
    }
    case "task_completed": {
      const {
        task_id,
        agent_name,
        disposition: state,
        reason = null,
        result = null,
        error = null,
        usage,
      } = event
      const known = addTask(view, task_id, agent_name)
      const ids = known.tasks.find(({ taskId }) => taskId === task_id)?.subAgentIds ?? []
      const left = removeWaits(known, ({ sub_agent_id = "" }) => ids.includes(sub_agent_id))
      return change(left, task_id, (task) => ({
        ...task,
        state,
        reason,
        result,
        error,
        usage,
        toolName: null,
      }))
    }
    default:
      return view
  }
}

export function createTask(taskId: string, agentName: string): ViewTask {
  return {
    ...{ taskId, agentName, description: "", toolCallId: null, subAgentIds: [], state: "running" },
    ...{ turn: null, toolName: null, usage: null, result: null, error: null, reason: null },
  }
}

/** Adds a task whose start the view has not seen. */
export function addTask(view: ChatView, taskId: string, agentName: string): ChatView {
  if (view.tasks.some((task) => task.taskId === taskId)) return view
  return { ...view, tasks: [...view.tasks, createTask(taskId, agentName)].slice(-maxTasks) }
}

/** Returns the background task that a sub-agent works for, or null. */
export function findTask({ tasks }: ChatView, subAgentId: string): ViewTask | null {
  return tasks.find(({ subAgentIds }) => subAgentIds.includes(subAgentId)) ?? null
}

export function removeWaits(view: ChatView, isOver: (wait: ViewWait) => boolean): ChatView {
  const waits = view.waits.filter((wait) => !isOver(wait))
  return waits.length === view.waits.length ? view : { ...view, waits }
}

function change(view: ChatView, taskId: string, replace: (task: ViewTask) => ViewTask): ChatView {
  const index = view.tasks.findIndex((task) => task.taskId === taskId)
  const task = view.tasks[index]
  // An ended task has no progress.
  if (task?.state !== "running") return view
  return { ...view, tasks: view.tasks.with(index, replace(task)) }
}
