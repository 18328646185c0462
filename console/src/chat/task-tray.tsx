import type { ViewTask } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { useEffect, useState } from "preact/hooks"
import { countInputTokens, countText } from "../ui/format.ts"
import { Icon } from "../ui/icons.tsx"
import { SubConversation } from "./message-part.tsx"
import { TaskMessage } from "./task-message.tsx"

const words: Readonly<Record<ViewTask["state"], string>> = {
  running: "Working…",
  completed: "Done",
  interrupted: "Canceled",
  failed: "Failed",
}

/**
 * The background tasks of the conversation: their progress, their own conversations, and a button that cancels each.
 */
export function TaskTray({ agent }: { readonly agent: Agent }) {
  const { tasks } = agent
  if (tasks.length === 0) return null
  const running = tasks.filter(({ state }) => state === "running").length
  return (
    <details class="tasks" open>
      <summary>
        Background tasks
        <span class="tag">{running > 0 ? `${running} working` : `${tasks.length} ended`}</span>
      </summary>
      <ul aria-label="Background tasks">
        {tasks.toReversed().map((task) => (
          <TaskRow key={task.task_id} task={task} agent={agent} />
        ))}
      </ul>
    </details>
  )
}

function TaskRow({ task, agent }: { readonly task: ViewTask; readonly agent: Agent }) {
  const { task_id, agent_name, description, state, result, error, sub_agent_ids } = task
  const [isShown, setShown] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const waits = agent.waits.filter(({ sub_agent_id = "" }) => sub_agent_ids.includes(sub_agent_id))
  const view = agent.taskViews.get(task_id)
  useEffect(() => (isShown ? agent.followTask(task_id) : undefined), [isShown, task_id])

  const cancel = () => {
    setProblem(null)
    agent.cancelTask(task_id).catch((error: Error) => setProblem(error.message))
  }

  return (
    <li class="task">
      <div class="task-head">
        <span class="task-name">{agent_name}</span>
        <span class="task-text">{description}</span>
        <span class={`tool-state ${waits.length > 0 ? "waiting" : state}`}>
          {waits.length > 0 ? "Waiting for you" : formatProgress(task)}
        </span>
        <button type="button" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
          {isShown ? "Hide" : "Show"}
          <span class="visually-hidden"> the task {description}</span>
        </button>
        {state === "running" && (
          <button type="button" onClick={cancel}>
            <Icon name="close" />
            Cancel
            <span class="visually-hidden"> the task {description}</span>
          </button>
        )}
      </div>
      {problem !== null && (
        <p class="tool-error" role="alert">
          {problem}
        </p>
      )}
      {isShown && (
        <article class="task-body" aria-label={`Conversation of the task ${description}`}>
          {view !== undefined && (
            <SubConversation view={view} waits={waits} agent={agent} subAgents={view.subAgents} />
          )}
          {view === undefined && result !== null && <p class="hint">{result}</p>}
          {state === "running" && <TaskMessage task={task} agent={agent} />}
        </article>
      )}
      {error !== null && (
        <p class="tool-error">
          <strong>{error.code}</strong> {error.message}
        </p>
      )}
    </li>
  )
}

function formatProgress({ state, turn, tool_name, usage }: ViewTask): string {
  const tokens = usage === null ? 0 : countInputTokens(usage) + usage.output_tokens
  const spent = tokens > 0 ? [`${countText(tokens)} tokens`] : []
  if (state !== "running") return [words[state], ...spent].join(" · ")
  const at = turn === null ? [words.running] : [`Turn ${turn}`]
  return [...at, ...(tool_name === null ? [] : [tool_name]), ...spent].join(" · ")
}
