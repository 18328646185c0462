import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { ViewTask, ViewWait } from "./view.ts"
import type { ViewState } from "./view-state.ts"

/** Maximum number of background tasks in a view. The newest ones are kept. */
const maxTasks = 200

/** Applies the events of background tasks. Repeated events change nothing. */
export function applyTaskEvent(state: ViewState, event: ChatEvent): ViewState {
  switch (event.type) {
    case "task_registered": {
      const { task_id, agent_name, description, tool_call_id } = event
      if (state.tasks.some((task) => task.task_id === task_id)) return state
      const task = { ...createTask(task_id, agent_name), description, tool_call_id }
      return { ...state, tasks: [...state.tasks, task].slice(-maxTasks) }
    }
    case "task_progress": {
      const { turn, tool_name, usage } = event
      return change(state, event.task_id, (task) => ({ ...task, turn, tool_name, usage }))
    }
    case "task_completed": {
      const { task_id, agent_name, disposition, reason = null, result = null, error = null, usage } = event
      const known = addTask(state, task_id, agent_name)
      const ids = known.tasks.find((task) => task.task_id === task_id)?.sub_agent_ids ?? []
      const left = removeWaits(known, ({ sub_agent_id = "" }) => ids.includes(sub_agent_id))
      return change(left, task_id, (task) => ({
        ...task,
        state: disposition,
        reason,
        result,
        error,
        usage,
        tool_name: null,
      }))
    }
    default:
      return state
  }
}

export function createTask(task_id: string, agent_name: string): ViewTask {
  return {
    ...{ task_id, agent_name, description: "", tool_call_id: null, sub_agent_ids: [], state: "running" },
    ...{ turn: null, tool_name: null, usage: null, result: null, error: null, reason: null },
  }
}

/** Adds a task whose start the view has not seen. */
export function addTask(state: ViewState, taskId: string, agentName: string): ViewState {
  if (state.tasks.some((task) => task.task_id === taskId)) return state
  return { ...state, tasks: [...state.tasks, createTask(taskId, agentName)].slice(-maxTasks) }
}

/** Returns the background task that a sub-agent works for, or null. */
export function findTask({ tasks }: ViewState, subAgentId: string): ViewTask | null {
  return tasks.find(({ sub_agent_ids }) => sub_agent_ids.includes(subAgentId)) ?? null
}

export function removeWaits(state: ViewState, isOver: (wait: ViewWait) => boolean): ViewState {
  const waits = state.waits.filter((wait) => !isOver(wait))
  return waits.length === state.waits.length ? state : { ...state, waits }
}

function change(state: ViewState, taskId: string, replace: (task: ViewTask) => ViewTask): ViewState {
  const index = state.tasks.findIndex((task) => task.task_id === taskId)
  const task = state.tasks[index]
  // An ended task has no progress.
  if (task?.state !== "running") return state
  return { ...state, tasks: state.tasks.with(index, replace(task)) }
}
