import type { ViewTask } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { useState } from "preact/hooks"
import { Icon } from "../ui/icons.tsx"

export interface TaskMessageProps {
  readonly task: ViewTask
  readonly agent: Agent
}

/** The input field for a message to a background task, whose conversation shows the message once it is read. */
export function TaskMessage({ task: { task_id, description }, agent }: TaskMessageProps) {
  const [text, setText] = useState("")
  const [isSending, setSending] = useState(false)
  const [notice, setNotice] = useState<string | null>(null)

  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    setSending(true)
    try {
      const isAccepted = await agent.messageTask(task_id, text)
      setNotice(
        isAccepted ? "Sent. The task reads it before its next turn." : "The task takes no messages any more.",
      )
      if (isAccepted) setText("")
    } catch (error) {
      setNotice((error as Error).message)
    } finally {
      setSending(false)
    }
  }

  return (
    <form class="task-message" onSubmit={send}>
      <input
        aria-label={`Message to the task ${description}`}
        placeholder="Tell the task something…"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" disabled={isSending || text.trim() === ""}>
        <Icon name="send" />
        {isSending ? "Sending…" : "Send"}
        <span class="visually-hidden"> to the task {description}</span>
      </button>
      <p class="hint" role="status">
        {notice}
      </p>
    </form>
  )
}
